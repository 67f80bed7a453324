/** The command line of a lab: `--name value` for numbers, `--json` for the result as one line of JSON. */

import { parseArgs } from 'node:util';

/**
 * Reads the command line.
 *
 * @template {Record<string, number>} Numbers
 * @param {Numbers} defaults the numbers that the lab takes, each with the value of its full length
 * @returns {Numbers & {json: boolean}}
 */
export function labOptions(defaults) {
  const names = Object.keys(defaults);
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      ...Object.fromEntries(names.map((name) => [name, { type: /** @type {const} */ ('string') }])),
    },
  });
  const given = /** @type {Record<string, string | boolean | undefined>} */ (values);
  const numbers = names.map((name) => {
    const number = Number(given[name] ?? defaults[name]);
    if (!Number.isSafeInteger(number) || number < 0)
      throw new Error(`--${name} takes a whole number, not ${given[name]}`);
    return [name, number];
  });
  return { .../** @type {Numbers} */ (Object.fromEntries(numbers)), json: values.json === true };
}
