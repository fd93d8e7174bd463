"""Names for C: valid, short, never a word of the language, and never the same for two models."""

from __future__ import annotations

import hashlib
import re

MAX_LENGTH = 31  # significant characters of an external name, C99 5.2.4.1

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_HASHED = re.compile(r"_[0-9a-f]{10}\Z")
_UNFIT = re.compile(r"[^A-Za-z0-9]+")

# C23, C++23, their alternative tokens, names that the runtime of a small target owns, headers that
# NAME.h would hide, and targets that CMake keeps for itself.
_WORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t
char32_t class co_await co_return co_yield compl concept const const_cast consteval constexpr
constinit continue decltype default delete do double dynamic_cast else enum explicit export extern
false final float for friend goto if import inline int long module mutable namespace new noexcept
not not_eq nullptr operator or or_eq override private protected public register reinterpret_cast
requires restrict return short signed sizeof static static_assert static_cast struct switch
template this thread_local throw true try typedef typeid typename typeof typeof_unqual union
unsigned using virtual void volatile wchar_t while xor xor_eq
abort abs assert errno exit fortran free int8_t int16_t int32_t int64_t main malloc memcmp memcpy
memmove memset near far interrupt offsetof ptrdiff_t signal size_t stdin stdout stderr time
uint8_t uint16_t uint32_t uint64_t unix linux arm i386
aux com0 com1 com2 com3 com4 com5 com6 com7 com8 com9 con lpt0 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7
lpt8 lpt9 nul prn
complex ctype fenv inttypes iso646 limits locale math setjmp stdalign stdarg stdatomic
stdbool stdckdint stdbit stddef stdint stdio stdlib stdnoreturn string tgmath threads uchar wchar
wctype
all all_build clean edit_cache help install package package_source preinstall rebuild_cache run
run_tests test zero_check
"""
RESERVED = frozenset(_WORDS.split())
# Prefixes of the kernels' own names, and of Arduino's own libraries.
_OWNED = ("eq_", "arduino")


def c_identifier(name: str) -> str:
    """Return `name` as a C identifier of at most 31 characters.

    A name that is fit already stays as it is. Any other keeps its letters and digits and gets ten
    digits of its SHA-256, so that two different names never give one identifier; a name that
    looks as if it had them is treated likewise.
    """
    if _is_fit(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    stem = _UNFIT.sub("_", name).strip("_") or "model"
    if not stem[0].isalpha() or stem.lower().startswith(_OWNED):
        stem = f"model_{stem}"
    return f"{stem[: MAX_LENGTH - 11].rstrip('_')}_{digest}"


def _is_fit(name: str) -> bool:
    return (
        len(name) <= MAX_LENGTH
        and _PLAIN.match(name) is not None
        and _HASHED.search(name) is None
        and "__" not in name
        and not name.endswith("_")
        and not name.lower().startswith(_OWNED)
        and name.lower() not in RESERVED
    )
