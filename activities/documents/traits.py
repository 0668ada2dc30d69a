"""Traits: the words that tell who somebody is, and that must not count when it is judged what they can do."""

import re
from typing import Final, NamedTuple


class Rule(NamedTuple):
    """What is replaced, and by which word in brackets; `group` of the match is what goes."""

    kind: str
    pattern: re.Pattern[str]
    group: int = 0


def _words(kind: str, words: str) -> Rule:
    each = "|".join(re.escape(word.strip()).replace(r"\ ", r"\s+") for word in words.split(","))
    return Rule(kind, re.compile(rf"(?<!\w)(?:{each})(?:['\u2019]s)?(?!\w)", re.IGNORECASE))


def _line(kind: str, labels: str) -> Rule:
    """A line such as `Nationality: ...`: all that stands behind the label goes."""
    pattern = rf"^[^\S\n]*(?:{labels})[^\S\n]*[:\-\u2013][^\S\n]*([^\n]+)"
    return Rule(kind, re.compile(pattern, re.IGNORECASE | re.MULTILINE), 1)


def _pattern(kind: str, pattern: str, flags: re.RegexFlag = re.IGNORECASE, group: int = 0) -> Rule:
    return Rule(kind, re.compile(pattern, flags), group)


_GENDER: Final = (
    "he, him, his, himself, she, her, hers, herself, sir, madam, man, men, woman, women, male, "
    "female, boy, girl, gentleman, lady, husband, wife, father, mother, dad, mum, mom, son, daughter, brother, "
    "sister, fraternity, sorority, chairman, chairwoman, businessman, businesswoman, saleswoman, salesman, "
    "spokeswoman, spokesman, maternity, paternity, women-only, men-only, housewife, househusband, actress, "
    "waitress, waiter, hostess, nonbinary, non-binary, transgender"
)
_FAMILY: Final = (
    "married, unmarried, divorced, widowed, engaged to, civil partnership, single parent, no children, one child, "
    "two children, three children, four children, parental leave, family leave, pregnant, pregnancy, expecting a "
    "child"
)
_RELIGION: Final = (
    "christian, catholic, protestant, lutheran, methodist, baptist, orthodox church, muslim, islamic, islam, "
    "jewish, judaism, hindu, hinduism, buddhist, buddhism, sikh, sikhism, atheist, church, mosque, synagogue, "
    "temple, gurdwara, parish, bible, quran, ramadan, imam, rabbi, pastor"
)
_HEALTH: Final = (
    "disability, disabled, wheelchair, chronic illness, depression, cancer, diabetes, epilepsy, autism, autistic, "
    "adhd, dyslexia, dyslexic, deaf, hard of hearing, blind, sick leave, rehabilitation clinic, hiv"
)
_UNION: Final = (
    "trade union, labour union, labor union, union representative, shop steward, works council, political party, "
    "democrat, republican, socialist, conservative party, labour party, green party, social democrats"
)
_NATIONS: Final = (
    "afghan, albanian, algerian, american, argentine, armenian, australian, austrian, azerbaijani, bangladeshi, "
    "belarusian, belgian, bolivian, bosnian, brazilian, british, bulgarian, cameroonian, canadian, chilean, "
    "chinese, colombian, congolese, croatian, cuban, cypriot, czech, danish, dutch, ecuadorian, egyptian, "
    "english, eritrean, estonian, ethiopian, filipino, filipina, finnish, french, georgian, german, ghanaian, "
    "greek, guatemalan, haitian, honduran, hungarian, icelandic, indian, indonesian, iranian, iraqi, irish, "
    "israeli, italian, ivorian, jamaican, japanese, jordanian, kazakh, kenyan, korean, kurdish, latvian, "
    "lebanese, libyan, lithuanian, malaysian, maltese, mexican, moldovan, mongolian, moroccan, nepalese, "
    "nigerian, norwegian, pakistani, palestinian, peruvian, polish, portuguese, romanian, russian, rwandan, "
    "saudi, scottish, senegalese, serbian, singaporean, slovak, slovenian, somali, south african, spanish, sri "
    "lankan, sudanese, swedish, swiss, syrian, taiwanese, tanzanian, thai, tunisian, turkish, ugandan, ukrainian, "
    "uruguayan, uzbek, venezuelan, vietnamese, welsh, yemeni, zambian, zimbabwean"
)
_CAPITAL: Final = r"[A-ZÀ-Þ][\w\u2019'-]*"
_SCHOOL: Final = (
    r"(?:University|Universit\w+|College|Institute|Polytechnic|Academy|Hochschule|School|Lyc[ée]e|Gymnasium|Seminary)"
)
_YEAR: Final = r"(?:19|20)\d{2}"
_TAUGHT: Final = (
    r"(?:degree|diploma|bachelor\w*|master\w*|b\.?sc|m\.?sc|b\.?a|m\.?a|ph\.?d|graduat\w+|school|university|college|"
    r"certificate|apprenticeship|abitur|class of)"
)
_STREET: Final = (
    r"(?:Street|St\.|Road|Rd\.?|Avenue|Ave\.?|Lane|Drive|Boulevard|Blvd\.?|Square|Close|Court|Terrace|straße|strasse|weg|"
    r"platz|gatan|gata|rue|via|calle)"
)
_PLACE: Final = r"(?:,\s?(?:[A-ZÀ-Þ][\w-]*|\d)[\w -]{0,40})?"
_SPAN: Final = rf"({_YEAR}(?:\s?[-\u2013]\s?(?:{_YEAR}|\d{{2}}))?)"

RULES: Final[tuple[Rule, ...]] = (
    _pattern("contact", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    _pattern("contact", r"\b(?:https?://|www\.)\S+|\b(?:linkedin|github|gitlab|facebook|xing)\.com/\S+"),
    _pattern("contact", r"(?:\+|(?<!\w)\(?0)\d[\d ()/-]{6,}\d(?!\w)|(?<!\w)\(?\d{3}\)?[ -]\d{3}[ -]\d{4}(?!\w)"),
    _line(
        "address",
        r"(?:home )?address|residence|lives? in|place of residence|domicile|postcode|postal code|zip(?: code)?",
    ),
    _pattern("address", rf"\b\d{{1,5}}[a-z]?,? (?:{_CAPITAL} ){{1,3}}{_STREET}(?!\w){_PLACE}", re.NOFLAG),
    _pattern("address", rf"\b(?:{_CAPITAL}[ -])?{_CAPITAL}{_STREET} \d{{1,4}}[a-z]?\b{_PLACE}", re.NOFLAG),
    _pattern("address", r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b|\b\d{5}(?:-\d{4})?(?= [A-ZÀ-Þ][a-zà-ÿ])", re.NOFLAG),
    _pattern("address", rf"\b(?:lives|living|resident|residing) in ({_CAPITAL}(?: {_CAPITAL}){{0,2}})", re.NOFLAG, 1),
    _line("age", r"date of birth|birth ?date|born(?: on)?|d\.?o\.?b\.?|age"),
    _pattern("age", r"\b(?:born|birthday)\b[^\n.;]{0,30}\b\d{2,4}\b"),
    _pattern("age", r"\b(?:\d{2}|twenty|thirty|forty|fifty|sixty)(?:-\w+)?[ -]years?[ -](?:old|of age)\b"),
    _pattern("age", r"\baged? \d{2}\b|\b(?:young|youthful|mature|retired|pensioner)\b"),
    _pattern("year", rf"(?i:{_TAUGHT})[^\n.;]{{0,80}}?\b{_SPAN}", re.NOFLAG, 1),
    _pattern("year", rf"\b{_SPAN}[^\n.;]{{0,40}}?(?i:\b{_TAUGHT})", re.NOFLAG, 1),
    _pattern("school", rf"\b(?:{_CAPITAL} ){{1,4}}{_SCHOOL}\b(?: of(?: {_CAPITAL}){{1,3}})?", re.NOFLAG),
    _pattern("school", rf"\b{_SCHOOL} of(?: {_CAPITAL})+(?: and {_CAPITAL})?", re.NOFLAG),
    _line(
        "nationality",
        r"nationality|citizenship|citizen of|place of birth|country of origin|visa(?: status)?|work permit",
    ),
    _words("nationality", _NATIONS),
    _line("family", r"marital status|family status|civil status|family|children"),
    _words("family", _FAMILY),
    _line("gender", r"gender|sex|pronouns"),
    _words("gender", _GENDER),
    _pattern("gender", r"\b(?:Mrs?|Ms|Mx)\b\.?", re.NOFLAG),
    _pattern("gender", r"\b(?:he|she|they)/(?:him|her|them)(?:/\w+)?\b"),
    _line("religion", r"religion|confession|faith|denomination"),
    _words("religion", _RELIGION),
    _line("health", r"health|disability|disabilities|medical"),
    _words("health", _HEALTH),
    _words("membership", _UNION),
    _line("photo", r"photo(?:graph)?|picture|portrait"),
)
