/**
 * What protocol.json looks like, and what all of its readers need.
 *
 * @typedef {object} Constant
 * @property {string | number} value
 * @property {string} means
 *
 * @typedef {object} Field
 * @property {string} type - a name in `types`
 * @property {boolean} [list] - a list of such values
 * @property {boolean} [optional]
 * @property {string} [means]
 *
 * @typedef {object} Type
 * @property {'integer' | 'number' | 'string' | 'signal' | 'boolean' | 'choice' | 'map' | 'object'} kind
 * @property {string} means
 * @property {number | boolean | 'version'} [equals]
 * @property {number} [min]
 * @property {string} [max] - the name of a constant, as is maxLength
 * @property {string} [maxLength]
 * @property {string} [pattern]
 * @property {readonly string[]} [accepts] - examples of strings that fit the pattern
 * @property {readonly string[]} [refuses]
 * @property {string} [otherwise]
 * @property {readonly string[]} [of] - of a choice: the only strings; of a map: the kinds of its values
 * @property {string} [name] - in code, of an object or a choice
 * @property {Fields} [fields]
 *
 * @typedef {Readonly<Record<string, Field>>} Fields
 * @typedef {{ readonly name: string, readonly means: string, readonly fields: Fields }} Message
 * @typedef {Readonly<Record<string, Constant>>} Constants
 *
 * @typedef {object} Protocol
 * @property {number} version
 * @property {Constants} names
 * @property {Constants} modes
 * @property {Constants} limits
 * @property {Constants} times
 * @property {Constants} defaults
 * @property {Constants} managerLimits
 * @property {Readonly<Record<string, { type: 'string' | 'number', means: string }>>} errorFields
 * @property {Readonly<Record<string, { when: string, remedy: string, fields: Readonly<Record<string, string>> }>>} errors
 * @property {Readonly<Record<string, Type>>} types
 * @property {{ toOwner: Readonly<Record<string, Message>>, toMember: Readonly<Record<string, Message>> }} messages
 * @property {Readonly<Record<string, { means: string, fields: Fields }>>} record
 */

/** The constants that both languages have by name. @param {Protocol} protocol @returns {Constants} */
export function constantsOf({ names, modes, limits, times, defaults }) {
  return { ...names, ...modes, ...limits, ...times, ...defaults };
}

/** The value of a constant that a type names. @param {Protocol} protocol @param {string} name */
export function numberOf(protocol, name) {
  const constant = constantsOf(protocol)[name];
  if (!constant) throw new Error(`protocol.json has no constant ${name}`);
  return Number(constant.value);
}

/** @param {Protocol} protocol @param {string} name */
export function typeOf({ types }, name) {
  const type = types[name];
  if (!type) throw new Error(`protocol.json has no type ${name}`);
  return type;
}

/** The types that fields are made of, each behind those that it is made of itself. @param {Protocol} protocol @param {Iterable<Fields>} all */
export function typesUsed(protocol, all) {
  /** @type {Set<string>} */
  const found = new Set();
  for (const fields of all) {
    for (const { type } of Object.values(fields)) {
      for (const inner of typesUsed(protocol, [typeOf(protocol, type).fields ?? {}])) found.add(inner);
      found.add(type);
    }
  }
  return found;
}

/** With separators, as code and docs write numbers: `65_536`. @param {number} value @param {string} [separator] */
export function digits(value, separator = '_') {
  const [whole = '', fraction] = String(value).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, separator);
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** `maxTimerMs`: `max_timer_ms`. @param {string} name */
export function snake(name) {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
