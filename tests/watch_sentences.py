"""Sentences that name a made-up customer's favourite brands, and sentences that only look so.

A line is "term | sentence"; what is to be found stands in braces.
"""

NAMED = """
Alza | {Alza} mi poslala rozbitý mlynček.
Alza | Od {Alzy} som čakal viac.
Alza | {Alze} som napísal už dvakrát.
Alza | Na {Alzu} sa už neobrátim.
Alza | S {Alzou} mám len dobré skúsenosti.
Alza | Milá {Alzo}, kde je môj balík?
Alza | {Alzin} kuriér nezazvonil.
Alza | {Alzina} zákaznícka linka nedvíha.
Alza | Volal som na {Alzinu} linku.
Alza | V {Alzinom} boxe nič nebolo.
Alza | Po {Alziných} kuriéroch ani stopy.
Alza | čau {alza}, vráťte mi peniaze
Alza | OBJEDNANÉ NA {ALZE}, NEPRIŠLO
Alza | Az {Alzán} rendeltem, nem jött meg.
Alza | Az {Alzát} senkinek sem ajánlom.
Alza | Az {Alzának} írtam, semmi válasz.
Alza | Az {Alzától} vettem, két nap múlva elromlott.
Alza | Az {Alzával} csak a baj van.
Alza | Az {Alzánál} két hetet vártam.
Alza | Az {Alzás} futár be sem csöngetett.
Alza | Az {Alzából} ezt nem néztem volna ki.
Alza | Az {Alzáért} kár, régen jó volt.
Alza | Az {Alzáról} csak rosszat hallok.
Alza | Az {Alzához} fordultam a garanciával.
Alza | A csomagom az {Alzáé} lett.
Alza | az {alzaban} senki nem segitett
Alza | Az {Alza}-csomagom elveszett.
Alza | {Alza’s} support never answered.
Alza | Just got scammed by {Alza}!
Alza | #{alza} zase sklamala
Alza | ({Alza}), „{Alza}“, {Alza}/Heureka, {alza}...
Alza | Kupil som v _{alza}_ a ľutujem
Heureka | Na {Heureke} majú tri hviezdy.
Heureka | Na {Heurece} mají tři hvězdy.
Heureka | Z {Heureky} som prišiel k vám.
Heureka | {Heurečin} certifikát je na nič.
Heureka | Odpis z {Heurečiny} stránky.
Heureka | Pozrel som {Heureku} aj Zboží.
Heureka | A {Heurekán} láttam az árat.
Heureka | Milá {Heureko}, smažte tu recenzi.
Hervis | V {Hervise} mi nepomohli.
Hervis | Do {Hervisu} už nejdem.
Hervis | S {Hervisem} jsem spokojená.
Hervis | S {Hervisom} som spokojná.
Hervis | {Hervisu} som napísal reklamáciu.
Hervis | {Hervisovi} to nevadí.
Hervis | {Hervisov} leták klame.
Hervis | A {Hervisben} kedvesek voltak.
Hervis | A {Hervist} nem ajánlom.
Hervis | A {Hervisszel} baj van.
Hervis | A {Hervisnél} visszavették.
Hervis | V {Hervisech} po celé zemi.
Martinus | V {Martinuse} nemali moju knihu.
Martinus | Do {Martinusu} chodím rada.
Martinus | {Martinusovi} ďakujem za rýchlosť.
Martinus | Pekný pozdrav {Martinusu}!
Martinus | S {Martinusom} nikdy nebol problém.
Martinus | {Martinusova} predajňa je krásna.
Martinus | {Martinusovej} predajni chýba výťah.
Martinus | V {Martinusoch} po celom Slovensku.
Datart | V {Datartu} jsem čekala hodinu.
Datart | Z {Datartu} mi prišiel použitý tovar.
Datart | S {Datartem} už nikdy.
Datart | S {Datartom} už nikdy.
Datart | {Datarte}, ozvite se!
Datart | Az emberek a {Datartnál} kedvesek.
Datart | A {Datarttal} elégedett vagyok.
Datart | {DATARTu} vracím pračku.
Mall | Na {Mallu} mají slevy.
Mall | Na {Malle} majú zľavy.
Mall | S {Mallem} jsem skončil.
Mall | S {Mallom} som skončil.
Mall | Od {Mallu} mi prišla prázdna krabica.
Mall | A {Mallnál} rendeltem.
Mall | A {Mallal} többet nem.
Mall | A {Malltól} vettem.
Mall | A {Mall}-lal gond van.
Notino | Z {Notina} mi prišiel rozliaty parfum.
Notino | {Notinu} jsem psala dvakrát.
Notino | S {Notinem} jsem spokojená.
Notino | S {Notinom} som spokojná.
Notino | Na {Notine} majú zľavu.
Notino | A {Notinónál} vettem a parfümöt.
Notino | A {Notinót} mindenkinek ajánlom.
Notino | A {Notinóról} rendeltem.
Tesco | V {Tescu} mali plesnivé jahody.
Tesco | Z {Tesca} jsem odešla naštvaná.
Tesco | S {Tescem} už ne.
Tesco | A {Tescóban} romlott volt a hús.
Tesco | A {Tescós} eladó kiabált velem.
Tesco | A {Tescók} mind zárva voltak.
Tesco | A {Tesco}-ban sorban álltam.
Kaviareň | V {kaviarni} bolo zima.
Kaviareň | Do {kaviarne} sa oplatí prísť.
Kaviareň | Za {kaviarňou} sa dá zaparkovať.
Kaviareň | Naša obľúbená {kaviaren}.
Kaviareň | Po všetkých {kaviarňach} toto!
Mlynček | Z {mlynčeka} sa dymilo.
Mlynček | S {mlynčekom} som spokojný.
Mlynček | Kúpil som dva {mlynčeky}.
Mlynček | {Mlyncek} po týždni nefunguje.
Mlynček | K {mlynčeku} chýbal návod.
Mlynček | Vo všetkých {mlynčekoch} bola voda.
Hrnek | Na {hrnku} byla prasklina.
Hrnek | S {hrnkem} je to dobré.
Hrnek | Koupila jsem tři {hrnky}.
Hrnek | V obou {hrncích} je rez.
Hrnček | Bez {hrnčeka} to nebolo ono.
Pohánek | Pán {Pohánek} mi pomohol.
Pohánek | Ďakujem {Pohánkovi} za ochotu.
Pohánek | U {Pohánka} mali otvorené.
Pohánek | S {Pohánkem} se dá mluvit.
Kaviareň U Zlatej husi | V {kaviarni U Zlatej husi} mali studenú kávu.
Kaviareň U Zlatej husi | {Kaviareň „U Zlatej husi}“ je najlepšia.
Kaviareň U Zlatej husi | Do {kaviarne u zlatej husi} už nevkročím.
Kaviareň U Zlatej husi | {KAVIAREN U ZLATEJ HUSI} odporúčam!
Kaviareň U Zlatej husi | Raňajky #{KaviarenUZlatejHusi} boli skvelé
Zásilkovna | V {Zásilkovně} mi balík nevydali.
Zásilkovna | Zaslali to {zasilkovně}, a ta to ztratila.
Zásilkovna | NA {ZÁSILKOVNĚ} NEZVEDAJÍ TELEFON
Kaufland | V {Kauflandě} byla fronta.
Packeta | O {Packetě} slyším jen samé zlé.
Zlatá hus | V {Zlatej husi} varia výborne.
Zlatá hus | So {Zlatou husou} som spokojný.
Zlatá hus | Boli sme v {Zlatej  husi}.
Zlatá hus | Ponúkli nám {zlatú hus}.
Zlatá hus | #{zlatahus}
Kvety Púpava | Z {Kvetov Púpava} prišla zvädnutá kytica.
Kvety Púpava | V {Kvetoch Púpava} sú milí.
Kvety Púpava | Od {Kvetov Púpavy} som čakala viac.
Kvety Púpava | {kvety pupava} odporúčam
Kvety Púpava | {Kvety - Púpava} mi poslali nesprávne ruže
Knihy Dobrovský | V {Knihách Dobrovský} na mě byli milí.
Knihy Dobrovský | Do {Knih Dobrovského} chodím ráda.
Knihy Dobrovský | Z {Knih Dobrovský} přišla natržená kniha.
Dobrovský | U {Dobrovského} mají všechno.
Dobrovský | S {Dobrovským} mám dobrou zkušenost.
Lékárna Dr. Max | V {lékárně Dr. Max} na mě křičeli.
Dr. Max | U {Dr. Maxe} byla fronta.
Dr. Max | V {Dr.Maxe} nemali lieky.
Dr. Max | {DrMax} mi poslal zlé lieky.
Dr. Max | {Dr Maxovi} ďakujem.
alza.cz | Objednáno na {alza.cz}, nepřišlo.
alza.cz | Na {Alze.cz} jsem koupil telefon.
alza.cz | Viz https://www.{alza.cz}/reklamace.htm
alza.cz | Z {Alzy.cz} mi přišel účet.
alza.cz | Hrůza #{alzacz}
Böff Kft. | A {Böff Kft.}-nél senki nem veszi fel.
Böff Kft. | A {Boff Kft} becsapott.
Böff Kft. | {BÖFF KFT.}: soha többé!
Böff Kft. | A {Böff Kft}-től vettem.
Böff | A {Böfföt} mindenkinek ajánlom.
Böff | A {Böffnél} jó volt.
Böff | A {Böffhöz} nem megyek többet.
Böff | A {Böffös} lánynak köszönöm.
eMAG | Az {eMAG}-nál rendeltem.
eMAG | Az {eMAGtól} semmi válasz.
eMAG | Az {emaggal} baj van.
eMAG | Az {eMAGnak} írtam.
eMAG | Az {eMAGos} futár késett.
eMAG | Az {eMAGon} vettem.
eMAG | {EMAG}, szégyelljétek magatokat!
eMAG | S {eMAGem} jsem skončil.
Libri | A {Libriben} nem volt meg.
Libri | A {Librinél} kedvesek.
Libri | A {Librit} szeretem.
Libri | A {Librivel} elégedett vagyok.
Libri | A {Libritől} rendeltem.
Libri | A {Librisek} segítettek.
Libri | A {Libribe} többet nem megyek.
Pagony | A {Pagonyban} olvastunk.
Pagony | A {Pagonnyal} jó dolgozni.
Pagony | A {Pagonyos} néni kedves volt.
Pagony | A {Pagonyt} ajánlom.
Árukereső | Az {Árukeresőn} láttam.
Árukereső | Az {arukeresorol} jöttem.
Árukereső | Az {Árukeresőt} néztem.
Árukereső | Az {Árukereső}-n is írtam.
Orange | Od {Orangeu} odchádzam.
Orange | S {Orangeom} je to hrozné.
Orange | U {Orange} už tri roky.
Orange | S {Orangem} jsem skončil.
Orange | Az {Orange}-nál semmi.
Vodafone | {Vodafonu} bych nevěřil.
Vodafone | S {Vodafonem} nejsem spokojený.
Vodafone | {Vodafon} zase nejede.
Google | Hledal jsem to na {Googlu}.
Sony | Od {Sonyho} by som to nečakal.
Penny | A {Pennyben} olcsóbb.
Penny | V {Penny} majú akciu.
Penny | A {Pennys} kupon nem ment.
T-Mobile | U {T-Mobilu} mi to vypli.
T-Mobile | {T Mobile} nefunguje.
T-Mobile | {tmobile} opäť bez signálu
Coca-Cola | Pil som {Coca-Colu} z vašej ponuky.
Coca-Cola | bez {coca coly} to nejde
McDonald's | V {McDonald's} byla hodinová fronta.
McDonald's | {McDonalds} mi dal studené hranolky.
McDonald's | {McDonald’s} v Nitre je čistý.
H&M | V {H&M} nemali moju veľkosť.
H&M | A {H & M}-ben sorban álltam.
GLS | {GLS} nedoručilo.
GLS | A {GLS}-sel csak a baj van.
GLS | kurier {gls} hodil balik cez plot
GLS | {GLS}-csomagom eltűnt.
ČSOB | Účet v {ČSOB} som zrušil.
ČSOB | {csob} zase padla
ČEZ | Od {ČEZ} odcházím.
ČEZ | Ten {CEZ} je drahý, vážně {čez}!
O2 | U {O2} je pomalý internet.
O2 | Od {O2}-ky odchádzam.
4ka | {4ka} nemá signál.
Disney+ | Na {Disney+} nejde prehrávanie.
@shop | {@shop} kde je môj balík?
@shop | Ďakujem, {@Shop}!
@shop | Halo {@shop}-nak írtam
#značka | Dnes {#znacka} na tanieri
#značka | Skvelá {#Značka}!
#značka | S {#značkou} na výlete
Lidl | V {Lidli} bol neporiadok.
Lidl | V {Lidlu} byl nepořádek.
Lidl | A {Lidlben} kedvesek.
Lidl | A {Lidllel} nincs baj.
Kaufland | V {Kauflande} bola rada.
Kaufland | Z {Kauflandu} jsem si přivezla plíseň.
Kaufland | A {Kauflandban} nem volt kenyér.
Bonprix | S {Bonprixom} som spokojná.
Bonprix | A {Bonprixszel} nem ajánlom.
Billa | V {Bille} mají čerstvý chleba.
Billa | Do {Billy} chodím denně.
Billa | A {Billában} drága.
Baťa | U {Bati} mi vyměnili boty.
Baťa | {Baťovi} píšu reklamaci.
Baťa | S {Baťou} som spokojná.
Mila | Vrátil som {Milu} do obchodu.
Mila | Bez {Mily} nie je nedeľa.
Decathlon | V {Decathlone} mali bicykel.
Decathlon | A {Decathlont} ajánlom.
Decathlon | A {Decathlonnal} nincs baj.
Dům knihy | V {Domě knihy} mě obsloužili.
Dům knihy | Do {Domu knihy} už ne.
Nadácia Svetlo | {Nadácii Svetlo} ďakujem.
Nadácia Svetlo | S {Nadáciou Svetlo} spolupracujeme.
Zdravíčko | V {Zdravíčku} poradili.
Růže | S {Růží} jsem byla spokojená.
Modrá pyramida | U {Modré pyramidy} mi poradili.
Modrá pyramida | S {Modrou pyramidou} je to rychlé.
Dedoles | Z {Dedolesu} prišli diery, nie ponožky.
Dedoles | S {Dedolesom} spokojnosť.
Auchan | Az {Auchanban} nem volt senki.
Auchan | Az {Auchant} kerülöm.
Rossmann | V {Rossmannu} jsem našla vše.
Rossmann | A {Rossmannál} olcsóbb.
"Sme" | Denník {Sme} ma sklamal.
"SME" | Predplatné {SME} mi neprišlo.
"""

NOT_NAMED = """
Alza | Alžbeta mi poslala darček.
Alza | Balza je ľahké drevo.
Alza | Salzburg je krásny.
Alza | Malzacher to hovoril.
Alza | Alzheimerova choroba je krutá.
Alza | Alzaboxový je iné slovo.
Alza | Hľadám alzasko-lotrinský koláč.
Alza | Alzana je meno.
Alza | Moja #mojaalza nie je nič.
Alza | Azalka kvitne.
Alza | Kalza a falza.
Alza | alzac alzik alzka alzovec
Alza | Al za to nemôže.
Alza | Algy som nechcel.
Heureka | Heuristika je veda.
Heureka | Eureka! Mám to.
Heureka | Heurekatalóg je vymyslený.
Hervis | Hervisťan je výmysel.
Hervis | Hervé išiel domov.
Hervis | Hernis a servis sú inde.
Hervis | Servisu som volal.
Martinus | Martin mi pomohol.
Martinus | S Martinom som sa dohodol.
Martinus | Ďakujem Martinovi za ochotu.
Martinus | Svätý Martin prišiel na bielom koni.
Martinus | Martinská hoľa je pekná.
Datart | Data art je krúžok.
Datart | Dátarový formát.
Datart | Ten start byl pomalý.
Mall | Such a small box.
Mall | A mallard landed on the lake.
Mall | Take the mallet, please.
Mall | It is a shopping malls problem.
Mall | Smalltalk je nuda.
Mall | Malá krabica, malý darček.
Mall | Mallorca bola krásna.
Mall | Malloryho kniha je super.
Mall | Thank you for the marshmallow.
Mall | Dostal som malé mačiatko.
Notino | Noticka na stole.
Notino | Notorický klamár.
Notino | Notinoha.
Tesco | Testo sa nelepí.
Tesco | Tescoma má dobré hrnce.
Tesco | Teskno mi je.
Tesco | Tescománia neexistuje.
Kaviareň | Kaviár bol výborný.
Kaviareň | Kaviarnička je vedľa.
Kaviareň | Kaviarenská kultúra upadá.
Kaviareň | Dal by som si kávu.
Mlynček | Starý mlyn stojí pri potoku.
Mlynček | Mlynár a mlynárka.
Mlynček | Mlynčekový olej je iný.
Hrnek | Hrnčíř z vesnice.
Hrnek | Hrneček je malý.
Hrnek | Hrnul se do dveří.
Hrnek | Hrnec na polévku.
Pohánek | Pohánková kaša je zdravá.
Pohánek | Pohanský obrad.
Pohánek | Pohánel koně.
Kaviareň U Zlatej husi | Kaviareň U Zlatého leva je inde.
Kaviareň U Zlatej husi | Pri zlatej husi, v kaviarni.
Kaviareň U Zlatej husi | Kaviareň. U zlatej tehly. Husi gágajú.
Kaviareň U Zlatej husi | V kaviarni, u Zlatej husi.
Zlatá hus | Zlatý husár cvála.
Zlatá hus | Zlatá. Hus ušla.
Zlatá hus | Zlato a hus.
Zlatá hus | Zlatá husacina.
Zlatá hus | Hus zlatá.
Kvety Púpava | Kvety z púpavy.
Kvety Púpava | Kvetináč Púpava
Kvety Púpava | Púpava kvitne, kvety voňajú.
Knihy Dobrovský | Knihy od Dobrovodského
Knihy Dobrovský | Knihovna Dobrovský
Dobrovský | Dobrovoľník mi pomohol.
Dobrovský | Dobrý deň, dobrovodská cesta?
Dr. Max | Doktor Max je pes.
Dr. Max | Maximálne dr. Maxián.
Dr. Max | drmaxista
alza.cz | Objednané na alza.sk.
alza.cz | Balza.cz je iný obchod.
alza.cz | alza.czech
alza.cz | Alza je veľká, cz doména.
alza.cz | Kúpil som to v Alze.
Böff Kft. | A Böff Zrt. más cég.
Böff Kft. | A Böffen Kft. más cég.
Böff | A böfögés csúnya.
Böff | Böfög a baba.
Böff | Biff tanár úr.
eMAG | Egy magazin volt.
eMAG | Az emagyar.hu más.
eMAG | Az image rossz.
eMAG | Majd elemagolom.
eMAG | E-magazin érkezett.
Libri | A librettó végén a libretto.
Libri | Librá hraje.
Libri | Livri a kalibri.
Libri | Kolibrit láttam.
Libri | Librisszimus
Pagony | Pagoda és agyon.
Pagony | A pagonyka.
Árukereső | Áruházat keresek.
Árukereső | Kereső áru.
Orange | Fresh oranges are great.
Orange | An orangery in the park.
Orange | Orangutan v zoo.
Orange | Oranžová farba je krásna.
Apple | I bought apples.
Apple | You may apply here.
Apple | Pineapple pizza.
Apple | Applet nejde.
Google | Googolplex je číslo.
Sony | Sonya je moja dcéra.
Sony | Sonyka spí.
Sony | Soňa mi poslala list.
Sony | Sonáta bola krásna.
Penny | Pennywise je klaun.
Penny | Peny a peniaze.
T-Mobile | Mobile phones are great.
T-Mobile | Automobile
T-Mobile | Mám mobil.
Coca-Cola | Cola je sladká, coca nie.
Coca-Cola | Cocacolaholik.
H&M | H a M sú písmená.
H&M | hm, to neviem
H&M | H+M
GLS | Glsko.
GLS | English glass.
GLS | glsa glsu glsom
ČEZ | Cez plot hodil balík.
ČEZ | Kuriér išiel cez mesto.
ČEZ | cezhraničný obchod
O2 | CO2 škodí.
O2 | o20 o2x
4ka | 14ka je výťah.
4ka | štvorka a 4kami
DM | Admin mi písal.
DM | dma dmu dmom
OBI | Obilie dozrelo.
OBI | Obid a obia.
OBI | Obidvaja sme tam boli.
Nay | Nayka nie je obchod.
Nay | Nayla.
NAY | naya nayu nayom
KIK | Kika je iný obchod.
KIK | kiks kikiríkí
Disney+ | Disney je veľký.
Disney+ | Disneyland je v Paríži.
@shop | Napíšte na info@shop.sk.
@shop | Kupujte v @shopping.
@shop | @shop_cz je niekto iný.
@shop | @shop.bsky.social je niekto iný.
@shop | Shop je zatvorený.
@shop | @shop@inde.social je niekto iný.
#značka | Značka je dobrá.
#značka | #značka_sk
#značka | #značkový obchod
#značka | C#značka
Lidl | Lidé jsou zlí.
Lidl | Dieslidl
Lidl | lidlandia
Star | Let us start again.
Star | Starý pán a stars.
Star | Starbucks má dobrú kávu.
Mark | The market was closed.
Mark | Marketing a markíza.
Spor | Športujem rád, sport je zdravý.
Forma | V akom formáte? Formálne áno, informácia nie.
Forma | Formátovanie je ťažké, ž.
Bill | Billboard pri ceste.
Bill | Billard bol zadarmo.
Billa | Bill is late.
Billa | The bills are high.
Billa | Billiard a sybilla.
Baťa | Bat’koviny sú bátovité.
Baťa | Batoh sa roztrhol.
Baťa | Bathory a batéria.
Decathlon | Decathlonista beží.
Decathlon | Desaťboj sa nekonal.
Dům knihy | Dům knihovníka.
Dům knihy | Duma nad knihou.
Dům knihy | V domě byly knihy.
Růže | Růžový kabát.
Růže | Ruženec a růženín.
Nike | Nikto mi nepomohol.
Nike | Nikdy viac.
Nike | Nikola a niku.
Dedoles | Dedo išiel do lesa.
Dedoles | Dedolesník
Auchan | Auch, an der Donau.
Rossmann | Pani Rossmannová je moja suseda, nie rossman.
Mila | Milý obchod, milé prekvapenie.
Mila | Mal som milú skúsenosť.
Mila | Byla jsem milě překvapená.
Star | Stará pani a staré auto.
"SME" | Boli sme tam a sme spokojní.
"SME" | Sme radi.
"Sme" | Denník SME ma sklamal.
"Mall" | Na Mallu.
"U Leva" | u leva
"""


def of(listed: str) -> list[tuple[str, str]]:
    return [(term, sentence) for line in listed.strip().splitlines() for term, sentence in [line.split(" | ", 1)]]
