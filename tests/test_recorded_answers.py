"""Every recording is replayed by a test, or it is said here why not; those that no other test replays, are here."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors import facebook, trustpilot, youtube
from monitor.errors import PermanentError, SourceError, TemporaryError
from monitor.model import Mention
from tests import bluesky_platform, mastodon_platform, reddit_platform, x_platform
from tests.connecting import connecting, ids, poll
from tests.loopback import Answer, LoopbackHttp
from tests.made import NOON
from tests.recordings import RECORDINGS, recorded, replayed

KEY = "made-up-key-of-the-test"
UNIT = "46d6a890ffa235a75b00021d"
WITHOUT_A_CONNECTOR = ("slack", "feeds-feedparser", "feeds-miniflux")  # the feeds are replayed all, by a pattern

# What no connector asks for, or what its answer is not used of.
NOT_ASKED = {
    "bluesky/defs.json": "definitions that other schemas name",
    "bluesky/did_doc.json": "identities are the server's business",
    "bluesky/get_follows.json": "nobody's followers are read",
    "bluesky/resolve_handle.json": "identities are the server's business",
    "bluesky/searchPostsV2.json": "searchPosts is asked, which every server knows",
    "discourse/get.yml": "notifications are not read: all new posts are",
    "discourse/update_post_response.yml": "no post is edited",
    "facebook-instagram/cvs_info.json": "private conversations are not read",
    "facebook-instagram/multi_default_fields.json": "pages themselves are not read",
    "facebook-instagram/multi_pages.json": "pages themselves are not read",
    "facebook-instagram/single_fields_page.json": "pages themselves are not read",
    "google-discovery/mybusinessaccountmanagement.v1.json": "the reviews' API is in none of them",
    "google-discovery/mybusinessbusinessinformation.v1.json": "the reviews' API is in none of them",
    "google-discovery/mybusinessnotifications.v1.json": "the reviews' API is in none of them",
    "mastodon/test_grouped_notifications.yaml": "notifications are read one by one",
    "mastodon/test_nodeinfo.yaml": "what the server is is not asked",
    "mastodon/test_stream_healthy.yaml": "posts are read in pages, not from a stream",
    "reddit/TestComment.test_edit.json": "no answer is edited",
    "x/test_asyncclient_get_recent_tweets_count.yaml": "posts are not counted",
    "x/test_asyncclient_hide_and_unhide_reply.yaml": "nothing is hidden",
    "x/testsearchtweets.json": "version 1.1, which is gone",
    "x/testusertimeline.json": "version 1.1, which is gone",
}

OTHER_TESTS = "\n".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))

on_bluesky = connecting("bluesky", "b", **bluesky_platform.KEYS)
on_facebook = connecting("facebook", "f", page="4", token=KEY)
on_instagram = connecting("instagram", "i", account="178414", username="pupava", token=KEY)
on_mastodon = connecting("mastodon", "m", **mastodon_platform.KEYS)
on_reddit = connecting("reddit", "r", **reddit_platform.KEYS)
on_x = connecting("x", "x", account=x_platform.ACCOUNT, **x_platform.KEYS)
on_youtube = connecting("youtube", "y", channel=f"UC{'p' * 22}", key=KEY)


def test_every_recording_is_replayed_or_it_is_said_why_not() -> None:
    if not RECORDINGS.is_dir():
        pytest.skip(f"there are no recordings in {RECORDINGS}")
    files = [path.relative_to(RECORDINGS) for path in RECORDINGS.glob("*/*") if path.is_file()]
    left = [str(path) for path in files if path.parts[0] not in WITHOUT_A_CONNECTOR and str(path) not in NOT_ASKED]
    assert [path for path in left if not _is_named(path)] == []


def _is_named(path: str) -> bool:
    name = Path(path).stem.removeprefix("test_asyncclient_")
    return name in OTHER_TESTS


def document(name: str) -> Any:
    return yaml.safe_load(recorded(name)) if name.endswith(".yml") else json.loads(recorded(name))


def a_mention(number: str, **raw: Any) -> Mention:
    return Mention(source="tested", id=number, text="a", created_at=NOON, raw=raw)


# ---- Trustpilot


def test_what_trustpilot_tells() -> None:
    settings = trustpilot.Settings(
        kind="trustpilot", name="t", business_unit=UNIT, key=KEY, webhook_secret="a-secret-of-the-hook"
    )
    source = trustpilot.ListeningTrustpilot(settings, LoopbackHttp("http://127.0.0.1:9"))
    body = recorded("trustpilot/trustpilot-review-events.json")
    page = source.receive({"x-ohlas-secret": "a-secret-of-the-hook"}, body, NOON)
    told = json.loads(body)["events"][0]["eventData"]
    assert [(one.id, one.rating, one.author) for one in page.mentions] == [(told["id"], 4.0, told["consumer"]["name"])]
    assert not page.gone and not page.skipped


# ---- Facebook


@pytest.mark.parametrize(
    "name", ["comments_p2", "comments_info", "multi_posts_data_fields", "single_post_data", "single_post_data_fields"]
)
async def test_pages_of_facebook(name: str) -> None:
    """Those with fewer fields than are asked for are passed over, and say so."""
    found = document(f"facebook-instagram/{name}.json")
    several = found.get("data") or (list(found.values()) if "id" not in found else [found])
    posts = [one if "comment_count" not in one else {"id": "4_5", "comments": {"data": [one]}} for one in several]
    async with on_facebook(Answer(json.dumps({"data": posts}).encode())) as source:
        page = await source.poll("")
    assert len(page.mentions) + len(page.skipped) == len([one for one in several if one.get("message")])
    assert {one.id for one in page.mentions} == {one["id"] for one in several if "id" in one and one.get("message")}


async def test_what_facebook_says_of_an_answer() -> None:
    async with on_facebook(Answer(recorded("facebook-instagram/create_resp.json"))) as source:
        receipt = await source.reply(a_mention("4_51", elsewhere=False), "Ďakujeme.", "key")
    said = document("facebook-instagram/create_resp.json")
    assert receipt.id == said["id"] and receipt.url.startswith("https://www.facebook.com/")
    assert facebook._ID.fullmatch(said["id"])


async def test_a_comment_on_instagram() -> None:
    said = document("facebook-instagram/comment_fields.json")
    async with on_instagram(Answer(json.dumps(said).encode())) as source:
        found = await source.fetch(a_mention(said["id"], way="comment"))
    assert found is not None and (found.id, found.text, found.author) == (said["id"], said["text"], said["username"])


# ---- YouTube


async def test_a_search_among_comments() -> None:
    async with on_youtube(Answer(recorded("youtube/comment_threads_with_search.json"))) as source:
        page = await source.poll("")
    assert page.mentions and not page.skipped


@pytest.mark.parametrize("name", ["comments_single", "comments_multi", "comments_by_parent_paged_2"])
async def test_single_comments(name: str) -> None:
    items = document(f"youtube/{name}.json")["items"]
    async with on_youtube(Answer(recorded(f"youtube/{name}.json"))) as source:
        for item in items:
            found = source._mention(item, {}, NOON)
            assert found is not None and found.id == item["id"]
            if "." in found.id:
                again = await source.fetch(found)
                assert again is not None and again.text == found.text


@pytest.mark.parametrize("name", ["insert_response", "testdata__apidata__comments__insert_response"])
def test_what_youtube_says_of_an_answer(name: str) -> None:
    said = document(f"youtube/{name}.json")
    assert youtube._ID.fullmatch(said["id"]) and youtube._receipt(said["id"], a_mention("a")).id == said["id"]


async def test_a_refusal_that_is_no_object() -> None:
    async with on_youtube(Answer(recorded("youtube/error_response_simple.json"), 400)) as source:
        with pytest.raises(SourceError):
            await source.poll("")


def test_addresses_and_names_are_those_of_the_published_contract() -> None:
    contract = document("google-discovery/youtube.v3.json")
    methods = {name: contract["resources"][name]["methods"] for name in ("commentThreads", "comments", "channels")}
    threads, comments = methods["commentThreads"]["list"], methods["comments"]["list"]
    asked = {"part", "order", "maxResults", "pageToken", "textFormat", "allThreadsRelatedToChannelId", "videoId", "id"}
    assert youtube.API.endswith(f"/{threads['path'].removesuffix('/commentThreads')}") and asked <= set(
        threads["parameters"]
    )
    assert int(threads["parameters"]["maxResults"]["maximum"]) >= youtube.MOST
    assert (
        "time" in threads["parameters"]["order"]["enum"] and "plainText" in threads["parameters"]["textFormat"]["enum"]
    )
    assert {"part", "parentId", "id", "maxResults", "pageToken", "textFormat"} <= set(comments["parameters"])
    assert methods["comments"]["insert"]["httpMethod"] == "POST" and "mine" in methods["channels"]["list"]["parameters"]
    said = contract["schemas"]["CommentSnippet"]["properties"]
    assert {"textOriginal", "textDisplay", "authorDisplayName", "authorChannelId", "publishedAt", "videoId"} <= set(
        said
    )


# ---- X


@pytest.mark.parametrize("name", ["get_tweet", "get_tweets"])
async def test_posts_of_x_that_are_looked_at_again(name: str) -> None:
    (answer,) = replayed(f"x/test_asyncclient_{name}.yaml")
    found = json.loads(answer.body)["data"]
    post = found[0] if isinstance(found, list) else found
    body = json.dumps({"data": [post]}).encode()
    async with on_x(Answer(body)) as source:
        mention = await source.fetch(a_mention(post["id"], post=post["id"]))
    assert mention is not None and (mention.id, mention.text) == (post["id"], post["text"])


async def test_a_search_of_x_through_another_client() -> None:
    tape = yaml.safe_load(recorded("x/test_client_search_recent_tweets.yaml"))
    body = gzip.decompress(tape["interactions"][0]["response"]["body"]["string"])
    async with on_x(Answer(body), mentions=False, query="a") as source:
        page = await source.poll("")
    posts = json.loads(body)["data"]
    assert 0 < len(page.mentions) <= len(posts) and not page.skipped


@pytest.mark.parametrize("name", ["test_client_create_and_delete_tweet", "test_client_create_tweet_with_community"])
async def test_what_x_says_of_an_answer(name: str) -> None:
    tape = yaml.safe_load(recorded(f"x/{name}.yaml"))
    said = tape["interactions"][0]["response"]["body"]["string"]
    body = gzip.decompress(said) if isinstance(said, bytes) else said.encode()
    async with on_x(Answer(body, 201)) as source:
        receipt = await source.reply(a_mention("7", post="7", addressed=True), "Ďakujeme.", "key")
    assert receipt.id == json.loads(body)["data"]["id"]


# ---- Reddit


@pytest.mark.parametrize("name", ["TestInbox.test_submission_replies", "TestInbox.test_mark_read"])
async def test_inboxes_of_reddit(name: str) -> None:
    platform = reddit_platform.RedditPlatform()
    answer = replayed(f"reddit/{name}.json", "oauth.reddit.com", "GET")[0]
    async with on_reddit(platform) as source:
        platform.fault = answer
        page = await source.poll("")
    children = [one["data"]["name"] for one in json.loads(answer.body)["data"]["children"] if one["kind"] != "t4"]
    assert {*ids([page]), *page.gone} == set(children)


async def test_a_subreddit_that_is_read_again_and_again() -> None:
    platform = reddit_platform.RedditPlatform()
    answers = replayed("reddit/TestSubredditStreams.test_comments.json", "r/all/comments", "GET")
    async with on_reddit(platform, inbox=False, subreddits=("all",)) as source:
        for answer in answers[:5]:
            platform.fault = answer
            listing = await source._api.listing("r/all/comments", {})
            page = source._page(listing["children"], NOON)
            assert len(page.mentions) + len(page.gone) == len(json.loads(answer.body)["data"]["children"])


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("TestComment.test_attributes", True),
        ("TestComment.test_parent__comment", True),
        ("TestComment.test_invalid", False),
        ("TestComment.test_delete", False),
    ],
)
async def test_comments_of_reddit_that_are_looked_at_again(name: str, there: bool) -> None:
    platform = reddit_platform.RedditPlatform()
    answer = replayed(f"reddit/{name}.json", "api/info", "GET")[0]
    children = json.loads(answer.body)["data"]["children"]
    number = children[0]["data"]["name"] if children else "t1_0"
    async with on_reddit(platform) as source:
        await source.poll("")  # signs in
        platform.fault = answer
        if there:
            assert (await source.fetch(a_mention(number))).id == number
        elif children:
            assert await source.fetch(a_mention(number)) is None
        else:
            with pytest.raises(TemporaryError):
                await source.fetch(a_mention(number))


@pytest.mark.parametrize(
    "name", ["TestComment.test_refresh__deleted_comment", "TestComment.test_refresh__raises_exception"]
)
async def test_deleted_comments_of_reddit(name: str) -> None:
    platform = reddit_platform.RedditPlatform()
    answer = replayed(f"reddit/{name}.json", "api/info", "GET")[0]
    thing = json.loads(answer.body)["data"]["children"][0]["data"]
    deleted = thing["author"] in (None, "[deleted]") or thing["body"] in ("[deleted]", "[removed]")
    async with on_reddit(platform) as source:
        await source.poll("")  # signs in
        platform.fault = answer
        found = await source.fetch(a_mention(thing["name"]))
    assert (found is None) == deleted


async def test_what_reddit_does_not_let_us_see() -> None:
    platform = reddit_platform.RedditPlatform()
    async with on_reddit(platform) as source:
        platform.fault = replayed("reddit/TestInbox.test_message__unauthorized.json", "oauth.reddit.com")[0]
        with pytest.raises(SourceError):
            await source.poll("")


# ---- Mastodon


@pytest.mark.parametrize(
    ("name", "part"), [("test_entity_statusmention", "statuses"), ("test_status_edit", "statuses/1170")]
)
async def test_single_posts_of_mastodon(name: str, part: str) -> None:
    answers = [json.loads(one.body) for one in replayed(f"mastodon/{name}.yaml", part, "GET")]
    post = next(one for one in answers if isinstance(one, dict) and "account" in one)
    async with on_mastodon(Answer(json.dumps(post).encode())) as source:
        found = await source.fetch(a_mention(post["id"]))
    assert found is not None and found.id == post["id"] and found.raw["acct"] == post["account"]["acct"]


async def test_a_post_of_mastodon_that_nobody_answered() -> None:
    (answer,) = replayed("mastodon/test_status_context.yaml", "/context", "GET")
    async with on_mastodon(answer) as source:
        assert await source.find_reply(a_mention("7", acct="eva"), "Ďakujeme.", "key") is None


# ---- Bluesky


@pytest.mark.parametrize("name", ["custom_record", "extended_like_record", "feed_record", "like_record"])
async def test_records_of_bluesky_that_are_no_posts(name: str) -> None:
    found: Mapping[str, Any] = document(f"bluesky/{name}.json")
    platform = bluesky_platform.BlueskyPlatform()
    seen = {**found, "author": {"did": "did:plc:eva", "handle": "eva.example"}, "record": found["value"]}
    async with on_bluesky(platform) as source:
        await poll(source)
        platform.fault = bluesky_platform.said({"notifications": [seen]})
        page = await source.poll("")
        assert len(page.mentions) == (1 if "/app.bsky.feed.post/" in found["uri"] else 0)
        platform.fault = bluesky_platform.said(found)
        with pytest.raises(PermanentError, match="Another answer"):
            await source.find_reply(a_mention(bluesky_platform.uri(1)), "Ďakujeme.", "key")


def test_what_is_sent_to_bluesky_is_in_the_official_schema() -> None:
    session = document("bluesky/createSession.json")["defs"]["main"]
    assert set(session["input"]["schema"]["required"]) == {"identifier", "password"}
    assert {"did", "accessJwt", "refreshJwt"} <= set(session["output"]["schema"]["required"])
    created = document("bluesky/createRecord.json")["defs"]["main"]
    assert set(created["input"]["schema"]["required"]) == {"repo", "collection", "record"}
    assert "rkey" in created["input"]["schema"]["properties"] and "uri" in created["output"]["schema"]["required"]
    facet = document("bluesky/facet.json")["defs"]
    assert set(facet["byteSlice"]["required"]) == {"byteStart", "byteEnd"} and set(facet["link"]["required"]) == {"uri"}


# ---- Discourse


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("get_post_response", {"id", "username", "cooked", "raw", "created_at", "topic_id", "post_number", "hidden"}),
        ("posts", {"latest_posts"}),
        ("query_response", {"posts", "topics", "grouped_search_result"}),
    ],
)
def test_names_of_discourse_are_those_of_its_documentation(name: str, read: set[str]) -> None:
    assert read <= set(document(f"discourse/{name}.yml")["properties"])
