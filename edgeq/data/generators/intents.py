"""Intents: what somebody wants of a house, in templated sentences as ids of words."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from edgeq.core.errors import InputError
from edgeq.data.generators.made import Made, number_ids

LENGTH = 12  # words; longer sentences are cut
PADDING, UNKNOWN = 0, 1
MISHEARD = 0.08  # share of words that are not understood
ATTEMPTS = 50

# In TEMPLATES a {word} is filled from here.
SLOTS: dict[str, tuple[str, ...]] = {
    "please": ("please", "could you", "can you", "now", "hey", "i want you to", ""),
    "room": ("kitchen", "bedroom", "hall", "bathroom", "garage", "living room", "office"),
    "lamp": ("light", "lights", "lamp", "lamps"),
    "song": ("some jazz", "my playlist", "the radio", "something quiet", "a song", "rock music"),
    "day": ("today", "tomorrow", "on monday", "on friday", "this evening", "at the weekend"),
    "number": ("two", "three", "five", "ten", "twenty", "thirty", "forty"),
    "unit": ("minutes", "seconds", "hours"),
    "degree": ("warmer", "colder", "up", "down", "a bit higher", "a bit lower"),
    "place": ("here", "in berlin", "in oslo", "at the sea", "in town", "outside"),
}

# The order is that of the labels.
TEMPLATES: dict[str, tuple[str, ...]] = {
    "light-on": (
        "{please} turn the {room} {lamp} on", "{please} switch on the {lamp} in the {room}",
        "{lamp} on in the {room}", "it is too dark in the {room}",
    ),
    "light-off": (
        "{please} turn the {room} {lamp} off", "{please} switch off the {lamp} in the {room}",
        "{lamp} off in the {room}", "it is too bright in the {room}",
    ),
    "music": (
        "{please} play {song} in the {room}", "{please} turn on {song}", "put {song} on {day}",
        "i would like to hear {song} {day}",
    ),
    "timer": (
        "{please} set a timer for {number} {unit}", "wake me in {number} {unit}",
        "tell me when {number} {unit} are over", "{please} count down {number} {unit}",
    ),
    "weather": (
        "what is the weather {place} {day}", "will it rain {place} {day}",
        "how cold is it {place} {day}", "do i need a coat {place} {day}",
    ),
    "heating": (
        "{please} turn the heating {degree} in the {room}", "make it {degree} in the {room}",
        "{please} set the {room} to {number} degrees {day}", "it is too cold in the {room} {day}",
    ),
}  # fmt: skip

_SLOT = re.compile(r"\{(\w+)\}")


def make_intents(samples: int, seed: int) -> Made:
    """Return different sentences as ids int32 (N, 12) and intents (N,), labels as in TEMPLATES.

    The intent, a template and its slots are drawn evenly; 8 % of the words are UNKNOWN.
    """
    random = np.random.RandomState(seed)
    places = {word: place for place, word in enumerate(vocabulary())}
    rows: dict[bytes, tuple[NDArray[np.int32], int]] = {}
    for _ in range(ATTEMPTS * samples):
        if len(rows) == samples:
            break
        intent = int(random.randint(len(TEMPLATES)))
        ids = tokenize(_sentence(intent, random), places)
        heard = random.random_sample(LENGTH) >= MISHEARD
        ids = np.where((ids == PADDING) | heard, ids, UNKNOWN).astype(np.int32)
        rows.setdefault(ids.tobytes(), (ids, intent))
    else:
        raise InputError(f"{samples:,} different sentences", hint="lower reader.samples")
    x, y = zip(*rows.values(), strict=True)
    return Made((np.stack(x),), np.array(y, np.int64), number_ids("sentence", samples))


def vocabulary() -> tuple[str, ...]:
    """Return the words by id: padding and unknown, then all words of the templates, sorted."""
    texts = [t for group in (*TEMPLATES.values(), *SLOTS.values()) for t in group]
    words = {word for text in texts for word in _SLOT.sub(" ", text).split()}
    return ("", "?", *sorted(words))


def tokenize(text: str, places: dict[str, int]) -> NDArray[np.int32]:
    """Return a sentence's ids int32 (12,): words in lower case, PADDING behind the last."""
    ids = [places.get(word, UNKNOWN) for word in text.lower().split()][:LENGTH]
    return np.array(ids + [PADDING] * (LENGTH - len(ids)), np.int32)


def _sentence(intent: int, random: np.random.RandomState) -> str:
    templates = tuple(TEMPLATES.values())[intent]
    template = templates[random.randint(len(templates))]
    return _SLOT.sub(lambda slot: SLOTS[slot[1]][random.randint(len(SLOTS[slot[1]]))], template)
