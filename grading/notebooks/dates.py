"""Moments as people write and read them: in the course's time zone, which is always named.

nbgrader keeps UTC without saying so; here every moment that leaves or enters the gradebook passes `local` or `utc`.
"""

import os
import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from ..root import CourseError
from .near import did_you_mean

MONTHS = {"jan": 1, "feb": 2, "mar": 3, "mär": 3, "mrz": 3, "apr": 4, "may": 5, "mai": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9,
          "oct": 10, "okt": 10, "nov": 11, "dec": 12, "dez": 12}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
RECENT = timedelta(days=60)     # a date without a year that has just passed is not meant for next year without a word
EXAMPLE = 'Write it like "30 Nov 2026 12:00".'

CLOCK = re.compile(r"(?<![\d.:-])(\d{1,2})(?::(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(am|pm)?|\s*(am|pm|uhr))(?!\w)", re.IGNORECASE)
PLACE = re.compile(r"\(([\w/+-]{1,80})\)$")      # behind a moment as `shown_moment` writes it
OFFSET = re.compile(r"(?:utc|gmt)?\s{0,3}([+-])(\d{2}):?(\d{2})$|(?:utc|gmt)\s{0,3}([+-])(\d{1,2})$", re.IGNORECASE)


# --- zones ------------------------------------------------------------------------------------------------------

def zone_called(name: str | None) -> ZoneInfo:
    """The time zone of that name, or this machine's. Raises `CourseError`."""
    name = name or machine_zone()
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError):
        raise CourseError(f"c.Course.timezone: there is no time zone {name!r}.{did_you_mean(str(name), available_timezones())} "
                          'Write it like "Europe/Berlin".') from None


def zone_of(config: Any) -> ZoneInfo:
    """The time zone of a course, by nbgrader's configuration: `c.Course.timezone`, else this machine's."""
    return zone_called(config.Course.get("timezone") or None)


def machine_zone() -> str:
    """The name of this machine's time zone; UTC where it has none."""
    found = [os.environ.get("TZ", "").removeprefix(":"), os.path.realpath("/etc/localtime").partition("zoneinfo/")[2]]
    try:
        found.append(Path("/etc/timezone").read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError):
        pass
    for name in found:
        try:
            if name:
                return ZoneInfo(name).key
        except (KeyError, ValueError, OSError):
            continue
    return "UTC"


def local(moment: datetime, zone: tzinfo) -> datetime:
    """A moment of the gradebook (UTC, unnamed) in a zone."""
    return moment.replace(tzinfo=UTC).astimezone(zone)


def utc(moment: datetime) -> datetime:
    """As the gradebook keeps it."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def shown_moment(moment: datetime, zone: tzinfo) -> str:
    """A moment of the gradebook as people read it: "Mon 30 Nov 2026, 12:00 CET (Europe/Berlin)"."""
    here = local(moment, zone)
    name, key = here.tzname() or "", getattr(zone, "key", "")
    name = name if name.isalpha() else f"UTC{name}"
    place = "" if key.removeprefix("Etc/") in (name, "") else f" ({key})"
    seconds = here.strftime(":%S") if here.second else ""
    return f"{DAYS[here.weekday()][:3].title()} {here.day} {here.strftime('%b %Y, %H:%M')}{seconds} {name}{place}"


def later(moment: datetime, zone: tzinfo, days: int = 0, hours: int = 0) -> datetime:
    """A moment of the gradebook so many calendar days later, at the same time of day, and then some hours."""
    here = local(moment, zone)
    wall = here.replace(tzinfo=None) + timedelta(days=days)
    return utc(wall.replace(tzinfo=zone)) + timedelta(hours=hours)


def apart(before: datetime, after: datetime, zone: tzinfo) -> tuple[int, timedelta]:
    """(whole calendar days, what goes by behind them) from one moment of the gradebook to another: `later` the other way round."""
    days = (local(after, zone).date() - local(before, zone).date()).days
    days -= later(before, zone, days) > after
    return days, after - later(before, zone, days)


# --- read -------------------------------------------------------------------------------------------------------

def read_moment(text: str, zone: tzinfo, now: datetime | None = None) -> datetime:
    """The moment that a person wrote, as the gradebook keeps it (UTC). Raises `CourseError` for what has two meanings or none.

    `now` (UTC, unnamed) is what a date without a year, "tomorrow" or "friday" is counted from.
    """
    if found := PLACE.search(text):
        text, zone = text[:found.start()], zone_in_text(found[1])
    today = local(now or datetime.now(UTC).replace(tzinfo=None), zone)
    rest, named = take_zone(" ".join(text.replace(",", " ").replace("T", " ", 1 if re.match(r"\d{4}-\d\d-\d\dT\d", text) else 0).split()),
                            zone)
    rest, at = take_time(rest, text)
    day = read_day(rest, today, at, text)
    wall = datetime.combine(day, at)
    if isinstance(named, str):
        named = abbreviated(named, wall, zone, text)
    return utc(placed(wall, named or zone, text))


def take_zone(text: str, zone: tzinfo) -> tuple[str, tzinfo | str | None]:
    """(the text without its zone, the zone, or its abbreviation, or None)."""
    if found := OFFSET.search(text):
        sign, hours, minutes = (found[1], found[2], found[3]) if found[1] else (found[4], found[5], "0")
        if re.search(r"\d:\d\d(:\d\d(\.\d+)?)?\s*$|\s$|(am|pm)$", text[:found.start()], re.IGNORECASE) and int(hours) <= 14:
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            return text[:found.start()].strip(), timezone(-offset if sign == "-" else offset)
    first, _, last = text.rpartition(" ")
    if re.fullmatch(r"Z|UTC|GMT", last, re.IGNORECASE):
        return first, UTC
    if re.fullmatch(r".*\d:\d\d(:\d\d(\.\d+)?)?Z", text):
        return text[:-1], UTC
    if "/" in last and re.search(r"[A-Za-z]", last):
        return first, zone_in_text(last)
    if re.fullmatch(r"[A-Z]{2,5}", last) and last.lower() not in ("am", "pm") and last.lower()[:3] not in MONTHS \
            and not is_weekday(last):
        return first, last
    return text, None


def zone_in_text(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise CourseError(f"There is no time zone {name}.{did_you_mean(name, available_timezones())}") from None


def abbreviated(name: str, wall: datetime, zone: tzinfo, text: str) -> tzinfo:
    """The zone that an abbreviation means: only the course's own have one meaning."""
    for fold in (0, 1):
        here = wall.replace(tzinfo=zone, fold=fold)
        if here.tzname() == name and (offset := here.utcoffset()) is not None:
            return timezone(offset)
    raise CourseError(f'"{text}": {name} is the name of no time zone here on that day. Leave it out for the course\'s own '
                      f"({zone}), or write a difference to UTC, for example +01:00.")


def take_time(text: str, whole: str) -> tuple[str, time]:
    """(the text without its time of day, the time). Raises `CourseError` where there is none or more than one."""
    if found := re.search(r"\bnoon\b", text, re.IGNORECASE):
        return (text[:found.start()] + text[found.end():]).replace(" at ", " ").strip(), time(12)
    if re.search(r"\bmidnight\b", text, re.IGNORECASE):
        raise CourseError(f'"{whole}": midnight begins one day and ends another. Write 23:59, or 00:00 of the day that begins.')
    clocks = list(CLOCK.finditer(text))
    if len(clocks) != 1:
        said = "names no time of day" if not clocks else "names more than one time of day"
        raise CourseError(f'"{whole}" {said}. {EXAMPLE}')
    hour, minute, second = int(clocks[0][1]), int(clocks[0][2] or 0), int(clocks[0][3] or 0)
    half = (clocks[0][4] or clocks[0][5] or "").lower().replace("uhr", "")
    if hour > (12 if half else 23) or minute > 59 or second > 59 or (half and not hour):
        raise CourseError(f'"{whole}": there is no time {clocks[0][0].strip()}. {EXAMPLE}')
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    left = text[:clocks[0].start()] + " " + text[clocks[0].end():]
    return re.sub(r"\b(at|um|uhr)\b", " ", left, flags=re.IGNORECASE).strip(), time(hour, minute, second)


def read_day(text: str, today: datetime, at: time, whole: str) -> date:
    """The day that the rest of a text names."""
    words = re.sub(r"\b(of|on|the)\b", " ", text, flags=re.IGNORECASE).split()
    weekday = [number for word in words if (number := weekday_of(word)) is not None]
    words = [word for word in words if not is_weekday(word)]
    rest = " ".join(words).strip()
    if not rest and len(weekday) == 1:
        return next_weekday(weekday[0], today, at)
    if rest.lower() in ("today", "tomorrow") and not weekday:
        return today.date() + timedelta(days=rest.lower() == "tomorrow")
    day = numbered(rest, whole) or spelt(rest, whole)
    if day is None or len(weekday) > 1:
        raise CourseError(f'"{whole}" is no date that can be read. {EXAMPLE}')
    found = dated(*day, today, at, whole)
    if weekday and found.weekday() != weekday[0]:
        raise CourseError(f'"{whole}": {found:%d %b %Y} is a {DAYS[found.weekday()].title()}.')
    return found


def is_weekday(word: str) -> bool:
    return weekday_of(word) is not None


def weekday_of(word: str) -> int | None:
    word = word.lower().rstrip(".")
    return next((n for n, name in enumerate(DAYS) if len(word) >= 3 and (name == word or name[:3] == word or name[:4] == word
                                                                        or name[:5] == word)), None)


def next_weekday(weekday: int, today: datetime, at: time) -> date:
    days = (weekday - today.weekday()) % 7
    if not days and at <= today.time():
        days = 7
    return today.date() + timedelta(days=days)


def numbered(text: str, whole: str) -> tuple[int | None, int, int] | None:
    """(year, month, day) of a date in figures, or None; with strokes, day and month have to be told apart by their size."""
    if found := re.fullmatch(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})", text):
        return int(found[1]), int(found[3]), int(found[4])
    if found := re.fullmatch(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})?", text):
        return int(found[3]) if found[3] else None, int(found[2]), int(found[1])
    if found := re.fullmatch(r"(\d{1,2})/(\d{1,2})(?:/(\d{4}))?", text):
        first, second, year = int(found[1]), int(found[2]), int(found[3]) if found[3] else None
        if first == second or first > 12 or second > 12:
            return (year, first, second) if second > 12 else (year, second, first)
        raise CourseError(f'"{whole}" may be a day of {name_of_month(first)} or of {name_of_month(second)}. {EXAMPLE}')
    return None


def name_of_month(number: int) -> str:
    return date(2000, number, 1).strftime("%B")


def spelt(text: str, whole: str) -> tuple[int | None, int, int] | None:
    """(year, month, day) of a date with the name of its month, or None."""
    words = [word.strip(".") for word in text.split()]
    months = [word for word in words if word[:3].lower() in MONTHS and word.isalpha()]
    numbers = [re.sub(r"(?<=\d)(st|nd|rd|th)$", "", word.lower()) for word in words if word not in months]
    if len(months) != 1 or not all(number.isdecimal() for number in numbers) or not 1 <= len(numbers) <= 2:
        return None
    years = [int(number) for number in numbers if len(number) == 4]
    days = [int(number) for number in numbers if len(number) <= 2]
    if len(days) + len(years) < len(numbers):
        return None
    if len(days) != 1:
        raise CourseError(f'"{whole}": which number is the day? {EXAMPLE}')
    return years[0] if years else None, MONTHS[months[0][:3].lower()], days[0]


def dated(year: int | None, month: int, day: int, today: datetime, at: time, whole: str) -> date:
    """A date whose year may be missing: the next one, if nobody can mean the last."""
    try:
        if year:
            return date(year, month, day)
        found = date(today.year, month, day)
        ago = today.replace(tzinfo=None) - datetime.combine(found, at)
        if ago < timedelta(0):
            return found
        if ago < RECENT:
            raise CourseError(f'"{whole}" has passed this year: say which year is meant. {EXAMPLE}')
        return date(today.year + 1, month, day)
    except ValueError:
        raise CourseError(f'"{whole}": there is no such day. {EXAMPLE}') from None


def placed(wall: datetime, zone: tzinfo, whole: str) -> datetime:
    """A time on the wall in a zone: clocks that are set forward or back leave times out, or show them twice."""
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall:
        raise CourseError(f'"{whole}": the clock skips that time on this day. Write an earlier or a later one.')
    if first.utcoffset() != second.utcoffset():
        raise CourseError(f'"{whole}": the clock shows that time twice on this day. Say which: {first.strftime("%z")} or '
                          f'{second.strftime("%z")} behind it.')
    return first
