import * as v from 'valibot';
import { protocolVersion } from '../protocol/constants.js';
import { type ToMember, type ToOwner, toMemberSchema, toOwnerSchema } from '../protocol/messages.js';

export type { Failure, Hello, Holder, Holders, ServerState, ToMember, ToOwner } from '../protocol/messages.js';

/** A message that cannot be understood; `theirs` is set when it is of another version. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
  readonly theirs: number | undefined;

  constructor(message: string, theirs?: number) {
    super(message);
    this.theirs = theirs;
  }
}

/** Reads a message that a member sent. */
export function parseToOwner(line: string): ToOwner {
  return parse(toOwnerSchema, line);
}

/** Reads a message that an owner sent. */
export function parseToMember(line: string): ToMember {
  return parse(toMemberSchema, line);
}

function parse<Schema extends v.GenericSchema>(schema: Schema, line: string): v.InferOutput<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new MalformedMessage('a message that is not JSON');
  }
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const theirs = (value as { v?: unknown } | null)?.v;
  if (Number.isSafeInteger(theirs) && theirs !== protocolVersion) {
    throw new MalformedMessage(`a message of protocol version ${theirs}`, theirs as number);
  }
  const [issue] = result.issues;
  const where = v.getDotPath(issue) ?? 'the message';
  throw new MalformedMessage(`a malformed message: ${where}: ${issue.message}`);
}
