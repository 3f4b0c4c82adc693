"""What a city changes without a release: areas, departments, categories, catalogue, allowances, policy, calendar.

A rulebook is one consistent reading of all of these, with the versions that it was made from, so that every
decision can say by which rules it was taken. The numbers are the defaults of the domain study (§9), each a
datum that a city overrides. Reading and publishing versions is the service's business.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TypeVar

from dispatch.model import ClockKind, Level, Rung, Term, TicketType, Urgency
from dispatch.worktime import Allowance, Calendar

ALL_AREAS = "00"
COUNTY = "@county"
HOTLINE = "hotline"
ASK_A_PERSON = "?"


@dataclass(frozen=True, slots=True)
class Area:
    """An administrative division 行政区划; `parent` is None for the city itself.

    `closed_from` is the day from whose beginning on nothing new gets the code, and `successor` the code that takes its
    place; so it is with departments and categories.
    """

    code: str
    name: str
    parent: str | None
    closed_from: date | None = None
    successor: str = ""


@dataclass(frozen=True, slots=True)
class Department:
    """A unit that handles tickets 承办单位; `area` is where it has authority."""

    code: str
    name: str
    level: Level
    parent: str | None
    area: str
    closed_from: date | None = None
    successor: str = ""


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of matter 事项分类; two, four or six digits, a prefix is the broader kind.

    `departmental`: a department's statutory duty that may not be pushed down to a town (Weifang Art. 24).
    `sensitive`: never dispatched by the machine alone. `statutory`: a legal period that overrides the ordinary.
    """

    code: str
    name: str
    departmental: bool = False
    sensitive: bool = False
    statutory: Allowance | None = None
    basis: str = ""
    closed_from: date | None = None
    successor: str = ""


Entry = TypeVar("Entry", Area, Department, Category)


@dataclass(frozen=True, slots=True)
class Closed:
    """What a city has given up: nothing new gets these codes, and what has them already still shows their names."""

    areas: Mapping[str, Area] = field(default_factory=dict)
    departments: Mapping[str, Department] = field(default_factory=dict)
    categories: Mapping[str, Category] = field(default_factory=dict)


def parted(entries: Iterable[Entry], day: date) -> tuple[dict[str, Entry], dict[str, Entry]]:
    """Return the entries that are open on a day, and those that are closed, by code and in its order."""
    kept: dict[str, Entry] = {}
    closed: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda entry: entry.code):
        side = closed if entry.closed_from and entry.closed_from <= day else kept
        side[entry.code] = entry
    return kept, closed


def successor_of(code: str, closed: Mapping[str, Area | Department | Category]) -> str:
    """Return who stands for a code: itself, or the last of its successors if it is closed and has any."""
    seen: set[str] = set()
    while code in closed and closed[code].successor and code not in seen:
        seen.add(code)
        code = closed[code].successor
    return code


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """One row of the dispatch catalogue 派单目录: whose duty a kind of matter is, and by what basis.

    `category` is a prefix; `area` and `owner` are empty where they do not matter. `lead` is a department, or
    '@county' for the government of the ticket's county, or '?' where a person must decide.
    """

    category: str
    area: str
    owner: str
    lead: str
    co: tuple[str, ...]
    basis: str

    @property
    def name(self) -> str:
        """How a trace names the row: kind, place and owner, a star where it does not matter."""
        return f"{self.category}/{self.area or '*'}/{self.owner or '*'}"


def inherited(catalogue: Iterable[CatalogueRow], closed: Closed) -> tuple[CatalogueRow, ...]:
    """Return the catalogue with the successors of closed departments and areas in their places.

    What it says of an area itself goes before what that area inherits. Rows of closed categories stay as they are: only
    tickets of before have those.
    """
    own: list[CatalogueRow] = []
    heirs: list[CatalogueRow] = []
    for row in catalogue:
        lead = successor_of(row.lead, closed.departments)
        co = tuple(dict.fromkeys(successor_of(code, closed.departments) for code in row.co))
        area = successor_of(row.area, closed.areas)
        (own if area == row.area else heirs).append(replace(row, area=area, lead=lead, co=co))
    taken = {(row.category, row.area, row.owner) for row in own}
    return (*own, *(row for row in heirs if (row.category, row.area, row.owner) not in taken))


@dataclass(frozen=True, slots=True)
class AllowanceRule:
    """How long a duty may take; an empty selector fits everything, and the most exact rule that fits wins."""

    kind: ClockKind
    allowance: Allowance
    basis: str
    type: TicketType | None = None
    urgency: Urgency | None = None
    category: str = ""

    def fits(self, kind: ClockKind, type_: TicketType, urgency: Urgency, category: str) -> bool:
        """Whether the rule speaks about such a duty."""
        return (
            self.kind is kind
            and self.type in (None, type_)
            and self.urgency in (None, urgency)
            and category.startswith(self.category)
        )

    @property
    def exactness(self) -> tuple[int, bool, bool]:
        """Category before urgency before type: what endangers life is not slowed by being an enquiry."""
        return len(self.category), self.urgency is not None, self.type is not None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A ground for not accepting a matter 不予受理, and what the caller is told instead."""

    code: str
    name: str
    tell: str
    basis: str


class Risk(Term):
    """Harm that words at intake may announce."""

    LIFE = "life", "危及生命"
    SELF_HARM = "self_harm", "自伤自杀"
    VIOLENCE = "violence", "暴力"
    GROUP = "group", "群体事件"
    SECRET = "secret", "涉密泄密"


@dataclass(frozen=True, slots=True)
class RiskWord:
    """A word that tells leaders at once 敏感词; it decides nothing by itself."""

    word: str
    risk: Risk
    level: Urgency


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The numbers of the city's rules that are not allowances; defaults of the domain study §9."""

    returns_before_analysis: int = 2
    extensions_most: int = 1
    extension_working_days_most: int = 10
    extension_apply_working_days_before: int = 1
    extension_dispatcher_working_days_most: int = 5
    pauses_most: int = 2
    pause_working_days_most: int = 15
    visits_most: int = 3
    redos_most: int = 2
    urge_every_minutes: int = 10
    inner_margin_working_days: int = 1
    auto_dispatch_probability: float = 0.90
    warn_share_left: float = 0.25


def _rules(*rows: tuple[ClockKind, TicketType | None, Urgency | None, str, str]) -> tuple[AllowanceRule, ...]:
    return tuple(
        AllowanceRule(kind=kind, type=type_, urgency=urgency, allowance=Allowance.parse(allowance), basis=basis)
        for kind, type_, urgency, allowance, basis in rows
    )


_DOMAIN = "默认时限（各地实践）"
DEFAULT_ALLOWANCES = _rules(
    (ClockKind.DISPATCH, None, None, "30min", "受理后三十分钟内派单"),
    (ClockKind.DISPATCH, None, Urgency.URGENT, "10min", "紧急事项十分钟内派单"),
    (ClockKind.DISPATCH, None, Urgency.CRITICAL, "10min", "特急事项十分钟内派单"),
    (ClockKind.SIGN, None, None, "1wd", _DOMAIN),
    (ClockKind.SIGN, None, Urgency.URGENT, "2wh", _DOMAIN),
    (ClockKind.SIGN, None, Urgency.CRITICAL, "30min", _DOMAIN),
    (ClockKind.RETURN_WINDOW, None, None, "1wd", "退单须在规定期限内提出"),
    (ClockKind.RETURN_WINDOW, None, Urgency.URGENT, "2h", "退单须在规定期限内提出"),
    (ClockKind.RETURN_WINDOW, None, Urgency.CRITICAL, "30min", "退单须在规定期限内提出"),
    (ClockKind.DECIDE, None, None, "1wd", "申请须及时审批"),
    (ClockKind.DECIDE, None, Urgency.URGENT, "2wh", "申请须及时审批"),
    (ClockKind.DECIDE, None, Urgency.CRITICAL, "30min", "申请须及时审批"),
    (ClockKind.ANALYSIS, None, None, "2wd", "争议事项限期研判"),
    (ClockKind.ANALYSIS, None, Urgency.CRITICAL, "2h", "争议事项限期研判"),
    (ClockKind.CONTACT, None, None, "1wd", "先行联系：一个工作日"),
    (ClockKind.CONTACT, None, Urgency.URGENT, "2h", "先行联系：紧急二小时"),
    (ClockKind.CONTACT, None, Urgency.CRITICAL, "1h", "先行联系：特急一小时"),
    (ClockKind.REPLY, None, None, "5wd+", _DOMAIN),
    (ClockKind.REPLY, TicketType.CONSULT, None, "2wd+", "咨询二个工作日"),
    (ClockKind.REPLY, TicketType.HELP, None, "5wd+", "求助五个工作日"),
    (ClockKind.REPLY, TicketType.COMPLAINT, None, "10wd+", "投诉十个工作日"),
    (ClockKind.REPLY, TicketType.REPORT, None, "15wd+", "举报十五个工作日"),
    (ClockKind.REPLY, TicketType.SUGGEST, None, "5wd+", "建议五个工作日"),
    (ClockKind.REPLY, TicketType.PRAISE, None, "2wd+", "表扬二个工作日"),
    (ClockKind.REPLY, None, Urgency.URGENT, "24h", "紧急事项二十四小时"),
    (ClockKind.REPLY, None, Urgency.CRITICAL, "2h", "危及生命财产二小时反馈"),
    (ClockKind.CO_REPLY, None, None, "5wd+", "协办在主办时限之内答复"),
    (ClockKind.CO_REPLY, None, Urgency.URGENT, "12h", "协办在主办时限之内答复"),
    (ClockKind.CO_REPLY, None, Urgency.CRITICAL, "1h", "协办在主办时限之内答复"),
    (ClockKind.REDO, None, None, "3wd", "重办三个工作日"),
    (ClockKind.REDO, None, Urgency.CRITICAL, "2h", "特急重办二小时"),
    (ClockKind.REVIEW, None, None, "1wd", "办理结果逐一审核"),
    (ClockKind.FOLLOW_UP, None, None, "3wd", "办结后及时回访"),
    (ClockKind.INFORM, None, None, "1wd", "北京市接诉即办工作条例第十五条：延长办理时限须向诉求人说明"),
    (ClockKind.INFORM, None, Urgency.URGENT, "4h", "北京市接诉即办工作条例第十五条：延长办理时限须向诉求人说明"),
    (ClockKind.INFORM, None, Urgency.CRITICAL, "1h", "北京市接诉即办工作条例第十五条：延长办理时限须向诉求人说明"),
    (ClockKind.ORDER, None, None, "3wd", "督办单三个工作日内答复"),
    (ClockKind.ORDER, None, Urgency.CRITICAL, "2h", "特急事项督办二小时内答复"),
    (ClockKind.ORDER_REVIEW, None, None, "2wd", "督办答复须及时核查"),
    (ClockKind.EXEMPTION, None, None, "5wd", "容错申请五个工作日内认定"),
    (ClockKind.BAD_RATING, None, None, "2wd", "漳州市政务服务实施细则第二十条：实名差评二个工作日内联系核实"),
)


class Trigger(Term):
    """What makes a rung of the ladder come due."""

    WARNS = "warns", "到期前"
    OVERDUE = "overdue", "到期未办"
    REDONE = "redone", "退回重办达到次数"
    REPEATED = "repeated", "重复诉求达到次数"
    IGNORED = "ignored", "督办逾期未答复"


class Audience(Term):
    """Whom a rung speaks to."""

    OWNER = "owner", "承办单位"
    HEAD = "head", "承办单位负责人"
    SUPERIOR = "superior", "上级单位"
    SUPERVISOR = "supervisor", "督办员"


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderRule:
    """One rung of the supervision ladder 督办阶梯.

    `after` says how long after the due time an OVERDUE rung comes (None: at once), `count` how many redos or repeats
    REDONE and REPEATED want, `ignored` which paper was left unanswered. `clocks` and `urgency` narrow it; empty means
    all. `rung` is the paper that it issues, by itself unless `by_person`: then it only says that a person must decide.
    """

    name: str
    trigger: Trigger
    tells: tuple[Audience, ...]
    after: Allowance | None = None
    count: int = 0
    clocks: tuple[ClockKind, ...] = ()
    urgency: Urgency | None = None
    ignored: Rung | None = None
    rung: Rung | None = None
    by_person: bool = False
    demand: str = ""
    basis: str = ""


_ANSWERS = (ClockKind.REPLY, ClockKind.CO_REPLY, ClockKind.REDO, ClockKind.PROMISE)
_EVERYBODY = (Audience.OWNER, Audience.HEAD, Audience.SUPERVISOR)
_EXPLAIN = "请说明原因和措施，限期办结并书面答复。"
DEFAULT_LADDER = (
    LadderRule(name="due_soon", trigger=Trigger.WARNS, tells=(Audience.OWNER,), basis="到期前提醒"),
    LadderRule(
        name="overdue", trigger=Trigger.OVERDUE, tells=(Audience.OWNER, Audience.SUPERVISOR), basis="到期即催办承办人"
    ),
    LadderRule(
        name="urge_slip",
        trigger=Trigger.OVERDUE,
        after=Allowance.parse("1min+"),
        clocks=_ANSWERS,
        tells=_EVERYBODY,
        basis="逾期次一工作日发催办单，抄送分管领导",
    ),
    LadderRule(
        name="order",
        trigger=Trigger.OVERDUE,
        after=Allowance.parse("2wd"),
        clocks=_ANSWERS,
        tells=_EVERYBODY,
        rung=Rung.ORDER,
        demand=f"逾期二个工作日仍未办结。{_EXPLAIN}",
        basis="逾期二个工作日督办（济南市12345市民服务热线条例第二十八条）",
    ),
    LadderRule(
        name="order_critical",
        trigger=Trigger.OVERDUE,
        clocks=_ANSWERS,
        urgency=Urgency.CRITICAL,
        tells=_EVERYBODY,
        rung=Rung.ORDER,
        demand=f"特急事项逾期未反馈。{_EXPLAIN}",
        basis="特急事项逾期即督办",
    ),
    LadderRule(
        name="order_redone",
        trigger=Trigger.REDONE,
        count=2,
        tells=_EVERYBODY,
        rung=Rung.ORDER,
        demand=f"同一事项第二次退回重办。{_EXPLAIN}",
        basis="第二次重办督办",
    ),
    LadderRule(
        name="order_repeated",
        trigger=Trigger.REPEATED,
        count=3,
        tells=_EVERYBODY,
        rung=Rung.ORDER,
        demand=f"同一事项重复反映三次以上。{_EXPLAIN}",
        basis="重复、集中反映未解决的督办（济南市12345市民服务热线条例第二十八条）",
    ),
    LadderRule(
        name="listed",
        trigger=Trigger.OVERDUE,
        after=Allowance.parse("5wd"),
        clocks=_ANSWERS,
        tells=_EVERYBODY,
        rung=Rung.LISTED,
        demand=f"逾期五个工作日仍未办结，挂牌督办。{_EXPLAIN}",
        basis="逾期五个工作日挂牌督办（潍坊市12345条例第二十六条）",
    ),
    LadderRule(
        name="order_ignored",
        trigger=Trigger.IGNORED,
        ignored=Rung.ORDER,
        tells=_EVERYBODY,
        rung=Rung.LISTED,
        demand=f"督办单逾期未答复，挂牌督办。{_EXPLAIN}",
        basis="督办单逾期不答复的升级督办",
    ),
    LadderRule(
        name="listed_ignored",
        trigger=Trigger.IGNORED,
        ignored=Rung.LISTED,
        tells=(Audience.SUPERVISOR,),
        rung=Rung.SUMMONED,
        by_person=True,
        basis="挂牌督办仍不答复的，约谈或者通报",
    ),
    LadderRule(
        name="summons_ignored",
        trigger=Trigger.IGNORED,
        ignored=Rung.SUMMONED,
        tells=(Audience.SUPERVISOR,),
        rung=Rung.TRANSFERRED,
        by_person=True,
        basis="逾期拒不改正的移交（漳州市政务服务实施细则第二十一条）",
    ),
)
"""The rungs that a city starts with (domain study §9, supervise.L1 to L6)."""


@dataclass(frozen=True, kw_only=True)
class Rulebook:
    """One consistent reading of the city's rules; `version` names the version of every part.

    `areas`, `departments` and `categories` are those that are open: what is new may have only these. Whoever asks about
    a ticket that there is already asks `every_area` and the like, which know the closed ones, too.
    """

    version: str
    calendar: Calendar
    areas: Mapping[str, Area]
    departments: Mapping[str, Department]
    categories: Mapping[str, Category]
    catalogue: tuple[CatalogueRow, ...] = ()
    allowances: tuple[AllowanceRule, ...] = DEFAULT_ALLOWANCES
    ladder: tuple[LadderRule, ...] = DEFAULT_LADDER
    refusals: Mapping[str, Refusal] = field(default_factory=dict)
    risk_words: tuple[RiskWord, ...] = ()
    policy: Policy = field(default_factory=Policy)
    closed: Closed = field(default_factory=Closed)

    @cached_property
    def every_area(self) -> Mapping[str, Area]:
        """The areas that are open and those that are closed."""
        return dict(sorted({**self.closed.areas, **self.areas}.items()))

    @cached_property
    def every_department(self) -> Mapping[str, Department]:
        """The departments that are open and those that are closed."""
        return dict(sorted({**self.closed.departments, **self.departments}.items()))

    @cached_property
    def every_category(self) -> Mapping[str, Category]:
        """The categories that are open and those that are closed."""
        return dict(sorted({**self.closed.categories, **self.categories}.items()))

    @cached_property
    def calendar_version(self) -> str:
        """The name of the calendar part, such as calendar-3; the version of the whole where parts have no names."""
        return next((part for part in self.version.split() if part.startswith("calendar-")), self.version)

    def allowance(self, kind: ClockKind, type_: TicketType, urgency: Urgency, category: str | None) -> AllowanceRule:
        """Return the most exact rule for such a duty; the statutory period of a complaint's category prevails.

        Raises LookupError if no rule fits: then the allowances have not been entered (see `problems`).
        """
        key = (kind, type_, urgency, category or "")
        if key not in self._chosen:
            self._chosen[key] = self._choose(*key)
        return self._chosen[key]

    @cached_property
    def _chosen(self) -> dict[tuple[ClockKind, TicketType, Urgency, str], AllowanceRule]:
        return {}

    def _choose(self, kind: ClockKind, type_: TicketType, urgency: Urgency, category: str) -> AllowanceRule:
        statutory = self._statutory(category) if _is_bound_by_law(kind, type_, urgency) else None
        if statutory and statutory.statutory:
            return AllowanceRule(kind=kind, allowance=statutory.statutory, basis=f"法定时限：{statutory.basis}")
        fitting = [rule for rule in self.allowances if rule.fits(kind, type_, urgency, category)]
        if not fitting:
            message = f"no allowance for {kind} of {type_}, {urgency}, category {category or '-'}"
            raise LookupError(message)
        return max(fitting, key=lambda rule: rule.exactness)

    def _statutory(self, code: str) -> Category | None:
        return next((category for category in self.broader(code) if category.statutory), None)

    def risks_in(self, text: str) -> tuple[RiskWord, ...]:
        """Return the risk words in `text`, each once, in the order of the text; of overlapping ones the longer."""
        by_word, pattern = self._risk_pattern
        return tuple(dict.fromkeys(by_word[found[0]] for found in pattern.finditer(text))) if by_word else ()

    @cached_property
    def _risk_pattern(self) -> tuple[Mapping[str, RiskWord], re.Pattern[str]]:
        by_word = {word.word: word for word in self.risk_words}
        longest_first = sorted(by_word, key=lambda word: (-len(word), word))
        return by_word, re.compile("|".join(map(re.escape, longest_first)))

    @cached_property
    def owners(self) -> tuple[str, ...]:
        """Whose a thing may be, as far as the catalogue tells it apart, in its order."""
        return tuple(dict.fromkeys(row.owner for row in self.catalogue if row.owner))

    def broader(self, code: str | None) -> Iterator[Category]:
        """The category itself, then its broader kinds."""
        for length in (6, 4, 2):
            category = self.every_category.get(code[:length]) if code and len(code) >= length else None
            if category:
                yield category

    def is_departmental(self, code: str | None) -> bool:
        """Whether the matter is a department's statutory duty that a town may not be given."""
        return any(category.departmental for category in self.broader(code))

    def is_downshift(self, department: str | None, category: str | None) -> bool:
        """Whether a department's statutory duty would come to a town."""
        unit = self.departments.get(department or "")
        return unit is not None and unit.level is Level.TOWN and self.is_departmental(category)

    def is_sensitive(self, code: str | None) -> bool:
        """Whether the machine alone may never dispatch the matter."""
        return any(category.sensitive for category in self.broader(code))

    def wider(self, area: str | None) -> Iterator[Area]:
        """The area itself, then those that contain it, the city last."""
        while area:
            found = self.every_area.get(area)
            if found is None:
                return
            yield found
            area = found.parent

    def around(self, area: str) -> Sequence[str]:
        """The codes of an area, of all that lies in it and of all that contains it, each once."""
        return self._around.get(area, ())

    @cached_property
    def _around(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, dict[str, None]] = {code: {} for code in self.every_area}
        for code in self.every_area:
            for wider in self.wider(code):
                found[code][wider.code] = found[wider.code][code] = None
        return {code: list(codes) for code, codes in found.items()}

    def is_below(self, department: str, superior: str) -> bool:
        """Whether `department` stands anywhere below `superior` in the tree."""
        known = self.every_department
        parent = known[department].parent
        while parent:
            if parent == superior:
                return True
            parent = known[parent].parent
        return False

    @cached_property
    def counties(self) -> Mapping[str, Department]:
        """The county government of each county's area code."""
        return {unit.area: unit for unit in self.departments.values() if unit.level is Level.COUNTY}

    def county_of(self, area: str | None) -> Department | None:
        """The county government that an area belongs to, if the area is inside a county."""
        return next((self.counties[wider.code] for wider in self.wider(area) if wider.code in self.counties), None)

    @cached_property
    def rows_by_category(self) -> Mapping[str, tuple[CatalogueRow, ...]]:
        """The catalogue's rows by their category prefix."""
        rows: dict[str, list[CatalogueRow]] = {}
        for row in self.catalogue:
            rows.setdefault(row.category, []).append(row)
        return {category: tuple(found) for category, found in rows.items()}

    @cached_property
    def matched(self) -> dict[tuple[str, str | None, str], CatalogueRow | None]:
        """What `routing.matching_row` has found for a category, an area and an owner so far."""
        return {}


def _is_bound_by_law(kind: ClockKind, type_: TicketType, urgency: Urgency) -> bool:
    """A statutory period is for deciding a complaint or a report; it slows no enquiry and nothing urgent."""
    bound = {TicketType.COMPLAINT, TicketType.REPORT}
    return kind is ClockKind.REPLY and type_ in bound and urgency is Urgency.NORMAL


def problems(rulebook: Rulebook) -> tuple[str, ...]:
    """Say what is missing or contradicts itself, a sentence each; empty when the rulebook can be published."""
    return (
        *_unknown_units(rulebook),
        *_conflicts(rulebook.catalogue),
        *_idle_units(rulebook),
        *_gaps(rulebook),
        *_missing_allowances(rulebook),
        *_ladder_problems(rulebook.ladder),
        *_lost_parents(rulebook),
        *_lost_kinds(rulebook),
        *_lost_successors(rulebook),
        *_rings(rulebook),
        *_rival_counties(rulebook),
    )


def _unknown_units(rulebook: Rulebook) -> Iterator[str]:
    closed: Counter[tuple[str, str]] = Counter()
    for row in rulebook.catalogue:
        for code in (row.lead, *row.co):
            if code in rulebook.closed.departments:
                closed["department", code] += 1
            elif code not in rulebook.departments and code not in {COUNTY, ASK_A_PERSON}:
                yield f"catalogue {row.category}: no department {code}"
        if row.category not in rulebook.every_category:
            yield f"catalogue {row.category}: no such category"
        if row.area in rulebook.closed.areas:
            closed["area", row.area] += 1
        elif row.area and row.area not in rulebook.areas:
            yield f"catalogue {row.category}: no area {row.area}"
    for (kind, code), rows in closed.items():
        yield f"{kind} {code}: closed without a successor, but named by {rows} rows of the catalogue"


def _conflicts(catalogue: Iterable[CatalogueRow]) -> Iterator[str]:
    seen: set[tuple[str, str, str]] = set()
    for row in catalogue:
        key = (row.category, row.area, row.owner)
        if key in seen:
            yield f"catalogue {row.category}, area {row.area or 'any'}, owner {row.owner or 'any'}: two rows"
        seen.add(key)


def _idle_units(rulebook: Rulebook) -> Iterator[str]:
    """Whom a row names and routing passes over: the law keeps a department's duty from towns, and some never help."""
    for row in rulebook.catalogue:
        if rulebook.is_downshift(row.lead, row.category):
            yield f"catalogue {row.category}: a department's duty may not be given to town {row.lead}"
        for code in dict.fromkeys(row.co):
            if code in {ASK_A_PERSON, HOTLINE}:
                yield f"catalogue {row.category}: {code} cannot be a co-handler"


def _gaps(rulebook: Rulebook) -> Iterator[str]:
    general = {row.category for row in rulebook.catalogue if not row.area and not row.owner}
    for code in rulebook.categories:
        if len(code) == 6 and not any(code[:length] in general for length in (6, 4, 2)):  # noqa: PLR2004 - leaf codes
            yield f"catalogue: nobody is responsible for category {code}"


def _missing_allowances(rulebook: Rulebook) -> Iterator[str]:
    general = {rule.kind for rule in rulebook.allowances if not (rule.type or rule.urgency or rule.category)}
    for kind in ClockKind:
        if kind is not ClockKind.PROMISE and kind not in general:
            yield f"allowances: no general rule for {kind}"


def _ladder_problems(ladder: Iterable[LadderRule]) -> Iterator[str]:
    seen: set[str] = set()
    for rule in ladder:
        if rule.name in seen:
            yield f"ladder {rule.name}: two rungs"
        seen.add(rule.name)
        if not rule.tells:
            yield f"ladder {rule.name}: it tells nobody"
        if rule.trigger in {Trigger.REDONE, Trigger.REPEATED} and rule.count < 1:
            yield f"ladder {rule.name}: it does not say how many"
        if rule.rung is Rung.TRANSFERRED and not rule.by_person:
            yield f"ladder {rule.name}: only a person hands a case over"
        if rule.rung and not rule.by_person and not rule.demand:
            yield f"ladder {rule.name}: its paper demands nothing"
    if not any(rule.trigger is Trigger.OVERDUE and not rule.clocks and not rule.urgency for rule in ladder):
        yield "ladder: no rung speaks when a duty is overdue"


def _lost_parents(rulebook: Rulebook) -> Iterator[str]:
    closed = rulebook.closed
    for unit in rulebook.departments.values():
        if unit.parent in closed.departments:
            yield f"department {unit.code}: its superior {unit.parent} is closed"
        elif unit.parent and unit.parent not in rulebook.departments:
            yield f"department {unit.code}: its superior {unit.parent} does not exist"
        if unit.area in closed.areas:
            yield f"department {unit.code}: its area {unit.area} is closed"
        elif unit.area not in rulebook.areas:
            yield f"department {unit.code}: no area {unit.area}"
    for area in rulebook.areas.values():
        if area.parent in closed.areas:
            yield f"area {area.code}: the area {area.parent} that contains it is closed"
        elif area.parent and area.parent not in rulebook.areas:
            yield f"area {area.code}: the area {area.parent} that contains it does not exist"
    if HOTLINE in closed.departments:
        yield "departments: the hotline itself cannot be closed"
    if ALL_AREAS in closed.areas:
        yield "areas: the city itself cannot be closed"


def _lost_kinds(rulebook: Rulebook) -> Iterator[str]:
    """A kind of matter stands below the kinds that its code begins with."""
    for code in rulebook.categories:
        for broader in (code[:4], code[:2]):
            if broader != code and broader in rulebook.closed.categories:
                yield f"category {code}: its broader kind {broader} is closed"


def _lost_successors(rulebook: Rulebook) -> Iterator[str]:
    """Whatever takes the place of something closed is itself open."""
    closed = rulebook.closed
    kinds: tuple[tuple[str, Mapping[str, Area | Department | Category], Iterable[str]], ...] = (
        ("area", closed.areas, rulebook.areas),
        ("department", closed.departments, rulebook.departments),
        ("category", closed.categories, rulebook.categories),
    )
    for kind, entries, kept in kinds:
        for entry in entries.values():
            if entry.successor and successor_of(entry.code, entries) not in kept:
                yield f"{kind} {entry.code}: its successor {entry.successor} is not in use"


def _rings(rulebook: Rulebook) -> Iterator[str]:
    """Whoever walks up a ring never arrives."""
    superiors = {unit.code: unit.parent for unit in rulebook.every_department.values()}
    for code in superiors:
        if code in _above(code, superiors):
            yield f"department {code}: it stands above itself"
    wider = {area.code: area.parent for area in rulebook.every_area.values()}
    for code in wider:
        if code in _above(code, wider):
            yield f"area {code}: it contains itself"


def _above(code: str, parents: Mapping[str, str | None]) -> set[str]:
    seen: set[str] = set()
    parent = parents.get(code)
    while parent and parent not in seen:
        seen.add(parent)
        parent = parents.get(parent)
    return seen


def _rival_counties(rulebook: Rulebook) -> Iterator[str]:
    """'@county' must mean one unit."""
    seen: dict[str, str] = {}
    for unit in rulebook.departments.values():
        if unit.level is Level.COUNTY:
            first = seen.setdefault(unit.area, unit.code)
            if first != unit.code:
                yield f"area {unit.area}: two county governments, {first} and {unit.code}"
