import { UsageError } from './failure.js';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** How a duration is written, for messages. */
export const durationForm = 'a number with a unit: 500ms, 30s, 2m or 1h';

/** Milliseconds that a text such as `30s` means; undefined if it is none. A bare number would be a guess, but for 0. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  return number === undefined || unit === undefined ? undefined : Number(number) * (units[unit] ?? 1);
}

/** Reads the value of an option that is a duration. */
export function duration(option: string): (text: string) => number {
  return (text) => {
    const ms = parseDuration(text);
    if (ms === undefined) throw new UsageError(`${option} must be ${durationForm}, and is ${JSON.stringify(text)}`);
    return ms;
  };
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
