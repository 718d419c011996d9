"""From a mention to a published answer: draft, guard, ask a person, publish."""
