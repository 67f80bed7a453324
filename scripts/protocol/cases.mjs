import { numberOf, typeOf } from './protocol.mjs';

/** @typedef {import('./protocol.mjs').Protocol} Protocol */
/** @typedef {import('./protocol.mjs').Fields} Fields */
/** @typedef {{ good: readonly unknown[], bad: readonly unknown[] }} Edges */

/**
 * Examples of every shape, for the tests of each implementation: whole messages and lines, and what happens when one value in
 * them is another one, or is missing.
 *
 * @param {Protocol} protocol
 */
export function cases(protocol) {
  const { toOwner, toMember } = protocol.messages;
  return {
    format: 1,
    toOwner: messages(protocol, toOwner),
    toMember: messages(protocol, toMember),
    record: Object.fromEntries(
      Object.entries(protocol.record).map(([name, { fields }]) => [name, shape(protocol, fields, {})]),
    ),
  };
}

/** @param {Protocol} protocol @param {Readonly<Record<string, import('./protocol.mjs').Message>>} group */
function messages(protocol, group) {
  return Object.fromEntries(
    Object.entries(group).map(([type, { fields }]) => [type, shape(protocol, fields, { type })]),
  );
}

/** @param {Protocol} protocol @param {Fields} fields @param {object} head */
function shape(protocol, fields, head) {
  return { whole: { ...head, ...whole(protocol, fields) }, changes: changes(protocol, fields, []) };
}

/** With every field. @param {Protocol} protocol @param {Fields} fields @returns {Record<string, unknown>} */
function whole(protocol, fields) {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, edges(protocol, field).good[0]]));
}

/**
 * Each change of one value, and whether what comes of it is still understood.
 *
 * @param {Protocol} protocol
 * @param {Fields} fields
 * @param {readonly (string | number)[]} path
 * @returns {object[]}
 */
function changes(protocol, fields, path) {
  return Object.entries(fields).flatMap(([name, field]) => {
    const at = [...path, name];
    const { good, bad } = edges(protocol, field);
    const { fields: inner, otherwise } = typeOf(protocol, field.type);
    return [
      { at, missing: true, fine: field.optional === true || otherwise !== undefined },
      ...good.slice(1).map((value) => ({ at, value, fine: true })),
      ...bad.map((value) => ({ at, value, fine: false })),
      ...(inner ? changes(protocol, inner, field.list ? [...at, 0] : at) : []),
    ];
  });
}

/** @param {Protocol} protocol @param {import('./protocol.mjs').Field} field @returns {Edges} */
function edges(protocol, { type, list }) {
  const one = edgesOf(protocol, typeOf(protocol, type));
  if (!list) return one;
  return { good: [[one.good[0]], []], bad: [...one.bad.slice(0, 2).map((each) => [one.good[0], each]), {}, null, 'x'] };
}

/** @param {Protocol} protocol @param {import('./protocol.mjs').Type} type @returns {Edges} */
function edgesOf(protocol, { kind, equals, min, max, maxLength, accepts, refuses, of = [], fields = {} }) {
  const greatest = Number.MAX_SAFE_INTEGER;
  const least = min ?? -greatest;
  if (equals === 'version')
    return { good: [protocol.version], bad: [protocol.version + 1, `${protocol.version}`, true, null] };
  if (equals !== undefined) return { good: [equals], bad: [!equals, 1, 'true', null] };
  switch (kind) {
    case 'integer':
      return { good: [least, least + 1, greatest], bad: [least - 1, 1.5, greatest + 1, `${least}`, true, null, []] };
    case 'number': {
      const [from, to] = [min ?? -1, max === undefined ? 1e300 : numberOf(protocol, max)];
      const beyond = max === undefined ? [] : [from - 1, to + 1];
      return { good: [from, 0.5, to], bad: [...beyond, '1', true, null, []] };
    }
    case 'boolean':
      return { good: [true, false], bad: [1, 'true', null] };
    case 'choice':
      return { good: of, bad: [`${of[0]}?`, '', 1, null] };
    case 'map':
      return { good: [{ a: 'x', b: 1, c: true }, {}], bad: [{ a: null }, { a: {} }, [], 'x', null] };
    case 'object':
      return { good: [whole(protocol, fields)], bad: [{}, [], 'x', 1, null] };
    case 'signal':
      return { good: ['SIGINT', 'SIGNOTHING', 7, null], bad: [] };
    default: {
      if (accepts && refuses) return { good: accepts, bad: [...refuses, 1, null] };
      const most = maxLength === undefined ? undefined : numberOf(protocol, maxLength);
      const good = most === undefined ? [] : ['x'.repeat(most), '\u{1f600}'.repeat(most / 2)];
      const bad = most === undefined ? [] : ['x'.repeat(most + 1), `${'\u{1f600}'.repeat(most / 2)}x`];
      return { good: ['x', '', ...good], bad: [...bad, 1, true, null, [], {}] };
    }
  }
}
