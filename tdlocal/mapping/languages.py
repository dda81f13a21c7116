"""What shops that do not speak English, or that save letters, call the columns of the retail schema.

A name is taken apart into words (`Kundennummer`, `CUSNBR`: no space is needed between known ones) and each
word is said in English. Words that English has too (`land`, `port`, `data`) are only taken for another
language's when the table's other names speak it.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FEW = 2  # so many words of a language make a table speak it
MOST_PIECES = 4
SHORTEST_PIECE = 3  # in a name that is written together; shorter only those of SHORT_PIECES
SHORT_PIECES = frozenset("ad cd dt id ln nm no nr nbr st tm ph qt sz".split())
MAIL = re.compile(r"e[\W_]?mail", re.IGNORECASE)
SEPARATOR = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[^\W\d_])(?=\d)|[\W_]+")
LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "œ": "oe", "å": "a"})


@dataclass(frozen=True)
class Language:
    """Words of one language → English; `alone` are names that mean something else when nothing is beside."""

    words: Mapping[tuple[str, ...], str]
    alone: Mapping[tuple[str, ...], str]


def folded(text: str) -> str:
    """Return a text in small letters without accents.

    >>> folded("Größe"), folded("Prénom"), folded("電話")
    ('grosse', 'prenom', '電話')
    """
    parts = unicodedata.normalize("NFKD", text.lower()).translate(LETTERS)
    bare = "".join(letter for letter in parts if not "\u0300" <= letter <= "\u036f")
    return unicodedata.normalize("NFC", bare)


def language(text: str) -> Language:
    """Return a language of `word|word=english+words` entries.

    >>> language("nom=name =nom=last+name code+postal=zip").words[("code", "postal")]
    'zip'
    """
    words: dict[tuple[str, ...], str] = {}
    alone: dict[tuple[str, ...], str] = {}
    for entry in text.split():
        names, _, english = entry.rpartition("=")
        target = alone if names.startswith("=") else words
        for name in names.removeprefix("=").split("|"):
            target[tuple(folded(part) for part in name.split("+"))] = english.replace("+", " ")
    return Language(words, alone)


def read_languages(path: Path) -> dict[str, Language]:
    """Return the languages of a file of `[language]` sections."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    sections = "\n".join(lines).split("[")[1:]
    return {name: language(text) for name, _, text in (section.partition("]") for section in sections)}


KNOWN = read_languages(Path(__file__).with_name("languages.txt"))


def in_english(table: str, columns: Iterable[str], english: frozenset[str]) -> dict[str, str]:
    """Return the table's name and its columns' names → what they are in English; as they are when they are.

    Args:
        table: name of a table.
        columns: its columns.
        english: words that need no translation.

    >>> in_english("kunden", ["Kundennr", "Vorname", "sku"], frozenset({"sku"}))
    {'kunden': 'customer', 'Kundennr': 'customer number', 'Vorname': 'first name', 'sku': 'sku'}
    """
    names = list(dict.fromkeys((table, *columns)))
    spoken = spoken_in(names, english)
    return {name: translated(name, spoken, english) for name in names}


def spoken_in(names: Sequence[str], english: frozenset[str]) -> tuple[str, ...]:
    """Return the language that most names speak, when some clearly do, and `short` when letters are saved."""
    evidence = {
        known: {
            piece
            for name in names
            for piece in pieces(name, vocabulary((known,), english))
            if (piece,) in KNOWN[known].words and piece not in english
        }
        for known in KNOWN
    }
    clear = {
        known: len(found)
        for known, found in evidence.items()
        if len(found) >= FEW or any(not piece.isascii() for piece in found)
    }
    short = ("short",) if clear.pop("short", 0) else ()
    best = max(clear, key=lambda known: clear[known], default="")
    return ((best,) if best else ()) + short


@functools.cache
def vocabulary(spoken: tuple[str, ...], english: frozenset[str]) -> frozenset[str]:
    """Return the single words of languages and of English."""
    return english.union(part for known in spoken for words in KNOWN[known].words for part in words)


def translated(name: str, spoken: Sequence[str], english: frozenset[str]) -> str:
    """Return a name in English, word by word, the longest phrases first."""
    words = pieces(name, vocabulary(tuple(spoken), english))
    for known in spoken:
        if tuple(words) in KNOWN[known].alone:
            return KNOWN[known].alone[tuple(words)]
    said: list[str] = []
    place = 0
    while place < len(words):
        length, text = longest_phrase(words[place:], spoken, english)
        said.append(text)
        place += length
    found = " ".join(part for part in said if part)
    return found if found and (said != words or len(words) > len(words_in(name))) else name


def longest_phrase(words: Sequence[str], spoken: Sequence[str], english: frozenset[str]) -> tuple[int, str]:
    """Return how many of *words* are one phrase, and the phrase in English.

    >>> longest_phrase(["code", "postal", "x"], ("french",), frozenset())
    (2, 'zip')
    """
    for length in (3, 2, 1):
        for known in spoken:
            found = KNOWN[known].words.get(tuple(words[:length]))
            own = known == "short" and length == 1 and words[0] in english
            if found is not None and len(words) >= length and not own:
                return length, found
    return 1, words[0]


def pieces(name: str, vocabulary: frozenset[str]) -> list[str]:
    """Return the words of a name without accents, taken apart where known ones are written together.

    >>> pieces("KUNDENNR_1", frozenset({"kunden", "nr"}))
    ['kunden', 'nr', '1']
    """
    return [piece for word in words_in(name) for piece in split_word(word, vocabulary)]


def words_in(name: str) -> list[str]:
    """Return the words of a name as it is written, without accents.

    >>> words_in("E-Mail-Adresse"), words_in("PostleitZahl2")
    (['email', 'adresse'], ['postleit', 'zahl', '2'])
    """
    return [folded(word) for word in SEPARATOR.split(MAIL.sub("email", name)) if word]


@functools.lru_cache(maxsize=20_000)
def split_word(word: str, vocabulary: frozenset[str]) -> tuple[str, ...]:
    """Return the fewest known words that are the word; the word when it is known or cannot be taken apart.

    >>> split_word("orderdate", frozenset({"order", "date"})), split_word("ordered", frozenset({"order"}))
    (('order', 'date'), ('ordered',))
    """
    if word in vocabulary or word.isdigit():
        return (word,)
    best: list[tuple[str, ...] | None] = [(), *[None] * len(word)]
    for end in range(1, len(word) + 1):
        for start in reversed(range(end)):  # of equally few, those with the longer words in front
            before, piece = best[start], word[start:end]
            if before is None or len(before) >= MOST_PIECES or not may_be_piece(piece, vocabulary):
                continue
            if best[end] is None or len(before) + 1 < len(best[end] or ()):
                best[end] = (*before, piece)
    return best[-1] or (word,)


def may_be_piece(piece: str, vocabulary: frozenset[str]) -> bool:
    """Tell whether a part of a word is one of its own: known, and not so short that it is chance."""
    long_enough = len(piece) >= SHORTEST_PIECE or piece in SHORT_PIECES or not piece.isascii()
    return long_enough and piece in vocabulary
