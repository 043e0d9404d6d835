const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const MS_PER_SECOND = 1000;
const MINUTES_PER_HOUR = 60;

/** Prints a wall clock time, ms since the epoch. */
export type PrintTime = (timeMs: number) => string;

/** Common Log Format in local time, as nginx's `$time_local`: `21/Nov/2026:00:09:48 +0100`. Made once a second. */
export function createLocalTime(): PrintTime {
  return oncePerSecond((date) => {
    const day = `${two(date.getDate())}/${MONTHS[date.getMonth()] ?? ''}/${String(date.getFullYear()).padStart(4, '0')}`;
    const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
    return `${day}:${time} ${offset(-date.getTimezoneOffset())}`;
  });
}

/** ISO 8601 in UTC with milliseconds: `2026-11-21T00:09:48.007Z`. The part before the point is made once a second. */
export function createIsoTime(): PrintTime {
  const seconds = oncePerSecond((date) => date.toISOString().slice(0, -'000Z'.length));
  return (timeMs) => `${seconds(timeMs)}${threeDigits(millisecondsOf(timeMs))}Z`;
}

function oncePerSecond(print: (date: Date) => string): PrintTime {
  let second = Number.NaN;
  let printed = '';
  return (timeMs) => {
    const current = Math.floor(timeMs / MS_PER_SECOND);
    if (current !== second) {
      second = current;
      printed = print(new Date(current * MS_PER_SECOND));
    }
    return printed;
  };
}

function millisecondsOf(timeMs: number): number {
  return Math.trunc(timeMs - Math.floor(timeMs / MS_PER_SECOND) * MS_PER_SECOND);
}

function offset(minutesEast: number): string {
  const minutes = Math.abs(minutesEast);
  return `${minutesEast < 0 ? '-' : '+'}${two(Math.floor(minutes / MINUTES_PER_HOUR))}${two(minutes % MINUTES_PER_HOUR)}`;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

function threeDigits(value: number): string {
  if (value >= 100) return String(value);
  return value >= 10 ? `0${value}` : `00${value}`;
}
