import { privateNameDigits, privatePrefix } from '../protocol/constants.js';
import { randomName } from './random.js';

const pattern = new RegExp(`^[0-9a-f]{${privateNameDigits}}$`, 'u');

/** Bytes that a private directory adds to a path: its name and a separator. */
export const privateDirectoryBytes = privatePrefix.length + privateNameDigits + 1;

/** The name of a new private directory. It is random and unique. */
export function privateDirectoryName(): string {
  return `${privatePrefix}${randomName()}`;
}

/** Whether a name is one of a private directory. */
export function isPrivateDirectoryName(name: string): boolean {
  return name.startsWith(privatePrefix) && pattern.test(name.slice(privatePrefix.length));
}
