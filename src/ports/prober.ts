/** Where a probe goes. */
export interface ProbeTarget {
  /** Of the container, one for each network that it is on; one of them is asked. Never empty. */
  readonly addresses: readonly string[] | 'Host';
  readonly port: number;
  /** Of one attempt, connecting and answering together. */
  readonly timeoutMs: number;
}

export interface HttpProbeTarget extends ProbeTarget {
  readonly scheme: 'http' | 'https';
  /** With its query; begins with a slash. */
  readonly path: string;
  /** Accepted answers; absent: 200 to 399. */
  readonly status?: readonly number[];
}

export type ProbeOutcome =
  | { readonly kind: 'Success' }
  | {
      readonly kind: 'Failure';
      /** `NoRoute`: the address lies on no network of this process, so nothing was found out. */
      readonly reason: 'NoRoute' | 'Refused' | 'TimedOut' | 'BadStatus' | 'Broken';
      /** For people; holds no text of the container. */
      readonly message: string;
    };

/** Asks services whether they answer. A failed probe is an outcome: nothing is thrown. */
export interface Prober {
  /**
   * Sends one GET. Redirects are answers like others and not followed, certificates are not checked
   * (they seldom name a container's address), the body is not kept.
   */
  http(target: HttpProbeTarget, signal: AbortSignal): Promise<ProbeOutcome>;
  /** Opens a connection and closes it. */
  tcp(target: ProbeTarget, signal: AbortSignal): Promise<ProbeOutcome>;
}
