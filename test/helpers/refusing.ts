/**
 * The command that runs a program to which the system refuses some calls.
 *
 * @param calls - their names, with commas in between
 * @param errno - the error that they fail with
 * @param when - which of them, as strace's `when=` has it; all of them if it is not given
 */
export function refusing(calls: string, errno: string, when?: string): string[] {
  const inject = `inject=${calls}:error=${errno}${when === undefined ? '' : `:when=${when}`}`;
  // Only these calls are traced: tracing all would make the program many times slower.
  return ['strace', '-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', '-e', `trace=${calls}`, '-e', inject];
}
