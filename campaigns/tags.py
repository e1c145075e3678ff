"""Tags: words on campaigns, by which people find them."""

from collections.abc import Iterable

from campaigns.campaign import same_name
from campaigns.plain_text import NotPlain, plain_line
from campaigns.sentence import told

MOST_TAGS = 10
LONGEST_TAG = 30


def tags_of(words: Iterable[str]) -> tuple[str, ...]:
    """Give tags in order, each once whatever its case; commas part them.

    Raises:
        NotPlain: One is too long or has marks that are not seen, or there are too many.
    """
    found: dict[str, str] = {}
    for word in ",".join(words).split(","):
        tag = " ".join(plain_line(word, told("a tag"), most=LONGEST_TAG).split())
        if tag:
            found.setdefault(same_name(tag), tag)
    if len(found) > MOST_TAGS:
        raise NotPlain(told("tags: a campaign has at most {most}", most=MOST_TAGS))
    return tuple(found[one] for one in sorted(found))


def has_tag(tags: Iterable[str], wanted: str) -> bool:
    """Tell whether a tag is among some, in whatever case."""
    return has_tags(tags, [wanted])


def has_tags(tags: Iterable[str], wanted: Iterable[str]) -> bool:
    """Tell whether all of these are among them."""
    return {same_name(one) for one in tags}.issuperset(map(same_name, wanted))
