/**
 * Returns a value that all copies of the package in a thread share: the copies of two dependencies, and the ES module
 * and the CommonJS module of one package. Its name contains the version of its shape.
 */
export function shared<Value>(name: string, create: () => Value, isUsable: (known: Value) => boolean): Value {
  const key = Symbol.for(name);
  const known = (globalThis as { [key: symbol]: Value | undefined })[key];
  if (known !== undefined && isUsable(known)) return known;
  const value = create();
  // Not enumerable, so that it does not show up where globals are listed or compared.
  Object.defineProperty(globalThis, key, { value, configurable: true, enumerable: false, writable: true });
  return value;
}
