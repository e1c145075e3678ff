"""What a heading says of its column: whose it is, and whether a number or a name stands there.

The words are those of Indian desks, in English and in five of India's languages. Few of them are
certain; most only make a suggestion likelier.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Party(StrEnum):
    """Whose a column is."""

    AGENT = "agent"
    CUSTOMER = "customer"


class Kind(StrEnum):
    """What stands in a column, by its heading."""

    NUMBER = "number"
    NAME = "name"
    OTHER = "other"  # an account's number, an amount, a city …
    UNSAID = "unsaid"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading, read.

    Args:
        party: Whose column it is; None: it does not say.
        word: The word that says so.
        is_clear: That word means little else: "owner" may be a car's as well as a lead's.
        is_certain: It leaves no doubt that the numbers of this party stand there.
        is_second: It is not the first number of its party: an alternative one, at the office …
        is_persons_name: It is the name of a customer, or of whom it does not say.
    """

    party: Party | None
    word: str
    kind: Kind
    is_clear: bool
    is_certain: bool
    is_second: bool
    is_persons_name: bool


def read_heading(text: str) -> Heading:
    """Read a heading by its words; the last one that names a party decides: a *lead owner* owns."""
    words = words_of(text)
    party, word = None, ""
    for place, one in enumerate(words):
        if (one in _DIRECTIONS and place) or not (found := _party_of(one)):
            continue
        party, word = found, one
    kind = _kind_of(words)
    others = [one for one in words if _party_of(one) is None and one not in _PARTICLES]
    clear = party is not None and _fits(word, _CLEAR[party])
    only_a_number = all(one in _PHONE_WORDS or one in _NUMBER_WORDS for one in others)
    return Heading(
        party=party,
        word=word,
        kind=kind,
        is_clear=clear,
        is_certain=squeezed(text) in _WHOLE
        or (only_a_number and _is_certain(words, party, word, others)),
        is_second=any(one in _SECOND_WORDS or (one.isdecimal() and one != "1") for one in words),
        is_persons_name=kind is Kind.NAME
        and party is not Party.AGENT
        and all(one in _NAME_WORDS or one in _NAME_COMPANIONS for one in others),
    )


def customers_name(
    names: Sequence[str],
    *,
    taken: Collection[int] = (),
    holds_words: Callable[[int], bool] = lambda _: False,
) -> int | None:
    """Tell which column holds the customers' names, by its heading; None: none does.

    Args:
        holds_words: Whether a column does: one that does and is called Customer holds their names.
    """
    headings = {index: read_heading(name) for index, name in enumerate(names) if index not in taken}
    fitting = [index for index, heading in headings.items() if heading.is_persons_name]
    if not fitting:
        fitting = [
            index
            for index, heading in headings.items()
            if heading.party is Party.CUSTOMER
            and heading.is_clear
            and heading.word == squeezed(names[index])
            and holds_words(index)
        ]
    return min(fitting, key=lambda index: (headings[index].party is None, index), default=None)


def words_of(text: str) -> list[str]:
    """Part a heading into words of one case: "CustPhoneNo." is cust, phone, no."""
    plain = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    return [word.casefold() for word in _WORD.findall(_HUMP.sub(" ", plain))]


def squeezed(text: str) -> str:
    """Leave only letters, their signs and digits, in one case: customerphoneno."""
    return "".join(words_of(text))


def _party_of(word: str) -> Party | None:
    for party in Party:
        if _fits(word, _CLEAR[party]) or word in _LIKELY[party]:
            return party
    return None


def _fits(word: str, known: frozenset[str]) -> bool:
    """Whether a word is known; words of India's languages may have an ending: গ্রাহকের."""
    return word in known or (
        not word.isascii()
        and any(
            word.startswith(one.rstrip(_MUTE)) and len(word) - len(one) <= _LONGEST_ENDING
            for one in known
            if len(one) >= _LEAST_STEM and not one.isascii()
        )
    )


def _kind_of(words: list[str]) -> Kind:
    if any(word in _NAME_WORDS for word in words):
        return Kind.NAME
    if any(word in _PHONE_WORDS for word in words):
        return Kind.NUMBER
    if any(word in _OTHER_WORDS for word in words):
        return Kind.OTHER
    return Kind.NUMBER if any(word in _NUMBER_WORDS for word in words) else Kind.UNSAID


def _is_certain(words: list[str], party: Party | None, word: str, others: list[str]) -> bool:
    if party is None:
        return bool(others)
    named = [one for one in words if _party_of(one)]
    return len(named) == 1 and _fits(word, _CERTAIN[party])


_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff]")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
# India's letters carry signs, which \w does not hold; a number stands by itself
_WORD = re.compile(r"[0-9]+|(?:[^\W\d_]|[\u0900-\u0dff])+")
_LEAST_STEM, _LONGEST_ENDING = 4, 5
_MUTE = "\u094d\u09cd\u0bcd\u0c4d"  # the sign that a last consonant has no vowel; endings take its place


def _words(text: str) -> frozenset[str]:
    return frozenset(unicodedata.normalize("NFC", text).casefold().split())


_DIRECTIONS = _words("from to")  # only where they come first: "assigned to" is an agent
_PARTICLES = _words("s of the का के की चा चे ची యొక్క a")
_CERTAIN = {
    Party.AGENT: _words(
        "agent agents from executive telecaller rep एजेंट एजेन्ट एजंट एजन्ट प्रतिनिधि முகவர் ஏஜெண்ட் "
        "ஏஜென்ட் এজেন্ট প্রতিনিধি ఏజెంట్ ఏజెంటు ప్రతినిధి"
    ),
    Party.CUSTOMER: _words(
        "customer customers client lead to called ग्राहक कस्टमर வாடிக்கையாளர் கஸ்டமர் গ্রাহক "
        "কাস্টমার క్లయింట్ కస్టమర్ వినియోగదారు వినియోగదారుడు ఖాతాదారు ఖాతాదారుడు గ్రాహకుడు"
    ),
}
_CLEAR = {
    Party.AGENT: _CERTAIN[Party.AGENT]
    | _words(
        "rm tse tsr tsm tme bde bdm cre cso csr fos tc exec executives telecallers telesales caller "
        "emp employee salesman salesperson salesrep counsellor counselor collector advisor adviser "
        "operator कर्मचारी कॉलर टेलीकॉलर ஊழியர் কর্মচারী ఉద్యోగి"
    ),
    Party.CUSTOMER: _CERTAIN[Party.CUSTOMER]
    | _words(
        "cust cst clients leads borrower borrowers debtor callee applicant consumer subscriber "
        "patient student prospect buyer guest beneficiary insured policyholder payer payee "
        "recipient उपभोक्ता कर्जदार ऋणी உபயோகிப்பாளர் ক্রেতা ఋణగ్రహీత"
    ),
}
_LIKELY = {
    Party.AGENT: _words(
        "owner user staff manager officer assigned assignee handler sales अधिकारी मैनेजर அலுவலர்"
    ),
    Party.CUSTOMER: _words(
        "party parent member donor candidate voter farmer dealer retailer merchant holder receiver "
        "tenant resident person पार्टी பார்ட்டி পার্টি పార్టీ"
    ),
}
_PHONE_WORDS = _words(
    "phone phonenumber phoneno phonenum phones ph mobile mobiles mobileno mobilenumber mobilenum mob "
    "mbl cell cellphone cellnumber contact contactnumber contactno tel telephone telephonenumber "
    "msisdn फोन फ़ोन मोबाइल मोबाईल दूरभाष दूरध्वनी संपर्क தொலைபேசி தொலைப்பேசி கைபேசி கைப்பேசி அலைபேசி "
    "மொபைல் போன் ஃபோன் தொடர்பு ফোন মোবাইল মুঠোফোন টেলিফোন যোগাযোগ ఫోన్ ఫోను మొబైల్ చరవాణి "
    "whatsapp landline"
)
_NUMBER_WORDS = _words(
    "number num no nos नंबर नम्बर नं संख्या क्रमांक क्र எண் நம்பர் নম্বর নাম্বার নং సంఖ్య నంబర్ నెంబర్ నంబరు నెంబరు"
)
_NAME_WORDS = _words("name naam names fullname firstname नाम नाव பெயர் নাম పేరు")
_NAME_COMPANIONS = _words("full first display contact complete पूरा पूर्ण முழு পুরো పూర్తి")
_SECOND_WORDS = _words(
    "alt alternate alternative secondary second other office home work residence reference ref "
    "guarantor nominee spouse emergency whatsapp landline fax"
)
_OTHER_WORDS = _words(
    "id code sr sl serial email mail address city state pin pincode zip date time day month year "
    "dob age amount amt emi balance due account acct ac loan policy order invoice bill ticket case "
    "reference ref pan aadhaar aadhar gst gstin otp status remark remarks type plan product branch "
    "region zone priority score count qty price url link"
)
# Headings that well-known programs write, whole.
_WHOLE = _words("phone1value primaryphone mobilephone cellphone")
