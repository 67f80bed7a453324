/** The names of an endpoint's files in its directory. */
export interface EndpointNames {
  readonly data: string;
  readonly control: string;
  readonly lock: string;
}

/** The names of the files of the socket `name`. */
export function endpointNames(name: string): EndpointNames {
  return { data: name, control: `${name}.ctl`, lock: `${name}.lock` };
}
