/** Where a connection is in its life; it only moves down. */
export enum Phase {
  /** The handshake waits for accept, deny or close. */
  Connecting,
  /** Messages go both ways. */
  Open,
  /** The guest denied or closed it. */
  Closing,
  /** It is over. */
  Closed,
}

/** The name of a phase, as state errors have it. */
export function phaseName(phase: Phase): string {
  switch (phase) {
    case Phase.Connecting: return "connecting";
    case Phase.Open: return "open";
    case Phase.Closing: return "closing";
    default: return "closed";
  }
}
