"""What names the company: terms in any case form, and what is not meant by them."""
