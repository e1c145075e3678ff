"""One word per idea: the vocabulary of the code stands in the glossary, explained alike."""

from pathlib import Path

import campaigns

GLOSSARY = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")


def explained() -> dict[str, str]:
    rows = [line.split("|")[1:3] for line in GLOSSARY.splitlines() if line.startswith("| ")]
    return {word.strip(): meaning.strip().replace("`", "") for word, meaning in rows}


def vocabulary() -> dict[str, str]:
    lines = campaigns.__doc__.split("\n\n", 1)[1].strip().splitlines()
    words = (line.split(maxsplit=1) for line in lines)
    return dict(words)


def test_the_vocabulary_has_ten_words():
    assert len(vocabulary()) == 10


def test_each_word_of_the_vocabulary_stands_in_the_glossary():
    glossary = explained()

    for word, meaning in vocabulary().items():
        assert meaning.split(",")[0] in glossary[word]
