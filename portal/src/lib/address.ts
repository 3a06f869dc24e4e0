/** An address to paste elsewhere: whole, also where the server, which does not know its public name, gave a path. */
export function wholeAddress(address: string): string {
  return new URL(address, window.location.origin).href;
}
