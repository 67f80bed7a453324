// Made from protocol.json by scripts/protocol.mjs; change that, and run `npm run protocol`.

import * as v from 'valibot';
import { maxLabelLength, protocolVersion } from './constants.js';

/** The version of the protocol. */
const version = v.literal(protocolVersion);
/** A whole number from 1 to 2^53 − 1. */
const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
/** A whole number from 0 to 2^53 − 1. */
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** A string; its length counts in UTF-16 code units. */
const label = v.pipe(v.string(), v.maxLength(maxLabelLength));
/** True or false. */
const flag = v.boolean();
/** A string. */
const text = v.string();
/** The state of the server. */
const welcomeState = v.picklist(['starting', 'ready']);
/** Where the output of a server is. */
const output = v.object({ file: text, from: count });
/** An object of strings, numbers and booleans. */
const detail = v.pipe(
  v.custom<object>((value) => !Array.isArray(value)),
  v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
);
/** An error. */
const failure = v.object({ code: text, message: text, detail: v.optional(detail) });
export type Failure = v.InferOutput<typeof failure>;

/** The state of the owner. */
const ownerState = v.picklist(['starting', 'active', 'lingering', 'stopping']);
/** A holder of references. */
const holder = v.object({
  pid: positive,
  thread: v.optional(count),
  label: v.optional(label),
  references: count,
  since: count,
  canServe: flag,
});
export type Holder = v.InferOutput<typeof holder>;

/** The state of a keeper's server. */
const serverState = v.picklist(['starting', 'running', 'restarting']);
/** The command that a keeper runs as the server. */
const server = v.object({
  pid: v.optional(positive),
  command: text,
  argv: v.optional(v.array(text)),
  state: serverState,
  restarts: count,
  waiting: v.optional(flag),
  noLog: v.optional(text),
  output: v.optional(output),
  problem: v.optional(text),
});
export type ServerState = v.InferOutput<typeof server>;

/** Attaches the member: from here on its references count. Once per connection. */
const helloMessage = v.object({
  type: v.literal('hello'),
  v: version,
  pid: positive,
  thread: v.optional(count),
  label: v.optional(label),
  references: positive,
  canServe: flag,
});
export type Hello = v.InferOutput<typeof helloMessage>;

/**
 * The member's count has changed. A number above the `maxReferences` of `welcome`, or one that makes the total
 * inexact, ends the connection.
 */
const referencesMessage = v.object({ type: v.literal('references'), n: positive });
/** The member's last reference is closed; answered by `bye`. */
const byeMessage = v.object({ type: v.literal('bye') });
/** Asks for the holders; answered by `holders`. Needs no `hello`. */
const whoMessage = v.object({ type: v.literal('who') });
/**
 * Ends the endpoint when it is unused, without lingering; with `force`, now. Answered by `bye` when it has ended.
 * Needs no `hello`.
 */
const stopMessage = v.object({ type: v.literal('stop'), force: flag });
/** The only message on a connection of its own, which becomes this member's [anchor](#anchors). */
const anchorMessage = v.object({ type: v.literal('anchor'), key: text });
/** Attached. */
const welcomeMessage = v.object({
  type: v.literal('welcome'),
  v: version,
  pid: positive,
  state: welcomeState,
  total: count,
  members: count,
  dependents: count,
  yours: count,
  maxReferences: positive,
  stopTimeoutMs: v.optional(count),
  output: v.optional(output),
  anchor: v.optional(text),
});
/**
 * The server is up; sent to members whose `welcome` had the state `starting`, because it was being started or
 * restarted.
 */
const readyMessage = v.object({ type: v.literal('ready') });
/** The counts have changed. */
const countMessage = v.object({
  type: v.literal('count'),
  total: count,
  members: count,
  dependents: count,
  yours: count,
});
/**
 * The answer to `anchor`, and the last message on that connection: from here on the member's references count as long
 * as it is open.
 */
const anchoredMessage = v.object({ type: v.literal('anchored') });
/** Tells a member that its anchor has ended. */
const unanchoredMessage = v.object({ type: v.literal('unanchored') });
/**
 * The member is not attached, or no longer. The acquire or the references end with this error; only the fields of
 * `detail` that belong to the code count. The connection closes. `ERR_SOCKREF_SERVER_FAILED` with the `reason`
 * `directory` concerns the member that started the keeper: another member that can serve claims the endpoint instead.
 */
const failedMessage = v.object({ type: v.literal('failed'), code: text, message: text, detail: v.optional(detail) });
/**
 * The member is too late and begins again at Claim. With `force`, the endpoint was ended for all holders: the
 * references end, and so does the wait of members that were welcomed before the server was ready.
 */
const stoppingMessage = v.object({ type: v.literal('stopping'), force: v.optional(flag) });
/**
 * The member is released. `last` says that the endpoint has ended and that every file is removed; `failed`, that it
 * has ended, and what could not be ended or removed.
 */
const byeAnswerMessage = v.object({ type: v.literal('bye'), last: flag, failed: v.optional(failure) });
/** Who holds it. */
const holdersMessage = v.object({
  type: v.literal('holders'),
  state: ownerState,
  owner: holder,
  server: v.optional(server),
  members: v.array(holder),
  more: count,
  total: count,
  since: count,
});
export type Holders = v.InferOutput<typeof holdersMessage>;

/** What a member, or a process that only asks, sends to the owner. */
export const toOwnerSchema = v.variant('type', [
  helloMessage,
  referencesMessage,
  byeMessage,
  whoMessage,
  stopMessage,
  anchorMessage,
]);
export type ToOwner = v.InferOutput<typeof toOwnerSchema>;

/** What the owner sends. */
export const toMemberSchema = v.variant('type', [
  welcomeMessage,
  readyMessage,
  countMessage,
  anchoredMessage,
  unanchoredMessage,
  failedMessage,
  stoppingMessage,
  byeAnswerMessage,
  holdersMessage,
]);
export type ToMember = v.InferOutput<typeof toMemberSchema>;
