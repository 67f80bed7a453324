const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** How to write a duration, for messages. */
export const durationForm = 'a number with a unit: 500ms, 30s, 2m or 1h';

/** The longest duration, in milliseconds: the maximum of a timer in Node. */
const longestMs = 2_147_483_647;

/** The lower bound of a duration. */
export type Least = 'above 0' | 'from 0';

/** How each duration was written, to show it in the same way. */
const written = new Map<number, string>();

/**
 * The milliseconds of a text such as `30s`; undefined if it is no duration. A number without a unit would be a guess,
 * except 0.
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  if (number === undefined || unit === undefined) return undefined;
  const ms = Number(number) * (units[unit] ?? 1);
  written.set(ms, text);
  return ms;
}

/** What a duration must be, if a text is not one that a timer can wait. */
export function wrongDuration(text: string, least: Least): string | undefined {
  const ms = parseDuration(text);
  if (ms === undefined) return durationForm;
  if (ms > longestMs) return 'at most 596h';
  return ms === 0 && least === 'above 0' ? 'above 0' : undefined;
}

/** A duration with a unit, written as the user wrote it. */
export function asGiven(ms: number): string {
  const given = written.get(ms);
  if (given !== undefined) return given;
  const unit = ['h', 'm', 's'].find((each) => ms >= (units[each] ?? 1) && ms % (units[each] ?? 1) === 0) ?? 'ms';
  return `${ms / (units[unit] ?? 1)}${unit}`;
}

/** A span of time for people: its one or two largest units. */
export function inWords(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${rest(seconds % 60, 's')}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h${rest(minutes % 60, 'm')}`;
  return `${Math.floor(hours / 24)}d${rest(hours % 24, 'h')}`;
}

function rest(number: number, unit: string): string {
  return number === 0 ? '' : ` ${number}${unit}`;
}
