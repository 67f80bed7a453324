import { isRoot } from './place.js';

/**
 * The command that runs a program with a disk of so many bytes mounted at a directory. Only the program sees the mount,
 * which ends with it. Linux only; needs root, or a system that lets users create namespaces.
 */
export function onSmallDisk(directory: string, bytes: number): string[] {
  const mount = `mount -t tmpfs -o mode=0700,size=${bytes} none "$0" && exec "$@"`;
  return ['unshare', isRoot ? '-m' : '-rm', '--propagation', 'private', 'sh', '-c', mount, directory];
}
