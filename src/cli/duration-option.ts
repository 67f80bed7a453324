import { quote } from '../errors/error.js';
import { type Least, parseDuration, wrongDuration } from './duration.js';
import { UsageError } from './failure.js';

/** Reads the value of an option that is a duration. */
export function duration(option: string, least: Least = 'above 0'): (text: string) => number {
  return (text) => {
    const expected = wrongDuration(text, least);
    if (expected) throw new UsageError(`${option} must be ${expected}, and is ${quote(text)}`);
    return parseDuration(text) ?? 0;
  };
}
