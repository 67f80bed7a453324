import { controlSuffix, lockSuffix } from '../protocol/constants.js';
import type { Directory } from './directory.js';

/** The names of an endpoint's files in its directory. */
export interface EndpointNames {
  readonly data: string;
  readonly control: string;
  readonly lock: string;
}

/** An endpoint's place on disk. */
export interface Place {
  readonly directory: Directory;
  readonly names: EndpointNames;
  /** The canonical path of the data socket. */
  readonly path: string;
}

/** The names of the files of the socket `name`. */
export function endpointNames(name: string): EndpointNames {
  return { data: name, control: `${name}${controlSuffix}`, lock: `${name}${lockSuffix}` };
}
