/** Conditions as in a scenario file: a path, such as body.id, and what has to stand there. */
export type Conditions = { [path: string]: unknown };

/** How long an answer takes: milliseconds, a text such as "1.5s", or a spread. */
export type Delay =
  | number
  | string
  | { uniform: [from: number | string, to: number | string] }
  | { lognormal: { median: number | string; sigma: number; cap: number | string } };

/** Which requests get what is armed, and how many of them: one, where nothing is said. */
export interface Arming {
  times?: number | "always";
  when?: Conditions;
  /** Needed where the contract has several operations with this outcome. */
  operation?: string;
  delay?: Delay;
}

/** How a fault behaves. With `commit` the request takes effect, and only its answer is lost. */
export interface FaultArming extends Arming {
  commit?: boolean;
  seconds?: number;
  status?: number;
  retry_after?: number;
  html?: boolean;
}

/** Something armed. */
export interface Armed {
  id: number;
  operation: string;
  left: number | "always";
  used: number;
  [name: string]: unknown;
}

/** A claim about the requests that came: at least one, where no number is given. */
export interface Claim {
  scenario?: Outcome;
  when?: Conditions;
  operation?: string;
  exactly?: number;
  atLeast?: number;
  atMost?: number;
}

/** Which requests are wanted. */
export interface Filters {
  scenario?: Outcome;
  source?: "documented" | "assumed";
  trigger?: "values" | "state" | "header" | "armed" | "default";
  since?: string;
  text?: string;
  limit?: number;
  before?: number;
}

/** A request that came, in short. */
export interface Seen {
  id: number;
  time: string;
  sandbox: string;
  method: string;
  target: string;
  status: number;
  scenario: string | null;
  source: "documented" | "assumed" | null;
  trigger: string | null;
  problem: string | null;
  fault: string | null;
  [name: string]: unknown;
}

/** How many outcomes were met. */
export interface Share {
  met: number;
  of: number;
  percent: number;
}

/** Which outcomes were met, and how the client behaved on the way. */
export interface Coverage {
  sandbox: string | null;
  contract: string;
  requests: number;
  problems: number;
  documented: Share;
  assumed: Share;
  scenarios: Array<{
    scenario: Outcome;
    operation: string;
    source: "documented" | "assumed";
    status: number;
    met: number;
    how: string;
    curl: string;
    [name: string]: unknown;
  }>;
  behaviour: { [name: string]: unknown };
}

export interface MockOptions {
  /** The sandbox: a test worker's own world. Without it the default one. */
  sandbox?: string;
  /** The token of the admin API, where the server asks for one. */
  token?: string;
}

/** What the mock refused, or a claim that does not hold: the message says why, with the nearest misses. */
export class MockError extends Error {
  readonly status: number;
  readonly problem: unknown;

  constructor(message: string, status = 0, problem: unknown = null) {
    super(message);
    this.name = "MockError";
    this.status = status;
    this.problem = problem;
  }
}

declare function fetch(
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string },
): Promise<{ status: number; text(): Promise<string> }>;

/** A sandbox of a running mock. */
export class Mock {
  /** The base URL for the client under test, with the sandbox in it. */
  readonly url: string;
  private readonly headers: Record<string, string>;

  /** `server` is the server's address, without a sandbox. */
  constructor(server: string, options: MockOptions = {}) {
    const base = server.replace(/\/+$/, "");
    this.url = options.sandbox ? `${base}/sandbox/${encodeURIComponent(options.sandbox)}` : base;
    this.headers = options.token ? { Authorization: `Bearer ${options.token}` } : {};
  }

  /** The next matching requests get this outcome; it answers and changes nothing. */
  async arm(scenario: Outcome, arming: Arming = {}): Promise<Armed> {
    return (await this.call("POST", "/arm", { scenario, ...arming })) as Armed;
  }

  /** The next matching requests meet this fault. */
  async fault(kind: FaultKind, arming: FaultArming = {}): Promise<Armed> {
    const { times, when, operation, delay, ...settings } = arming;
    return (await this.call("POST", "/arm", { fault: { kind, ...settings }, times, when, operation, delay })) as Armed;
  }

  /** How many requests came, if the claim holds; throws a MockError with the nearest misses if not. */
  async verify(claim: Claim = {}): Promise<number> {
    const { exactly, atLeast, atMost, ...which } = claim;
    const bounds = exactly === undefined && atLeast === undefined && atMost === undefined;
    const count = bounds ? undefined : { exactly, at_least: atLeast, at_most: atMost };
    return ((await this.call("POST", "/verify", { ...which, count })) as { came: number }).came;
  }

  /** Back to the seeds: nothing armed, no requests. */
  async reset(): Promise<void> {
    await this.call("POST", "/reset");
  }

  /** The requests that came, newest first. */
  async requests(filters: Filters = {}): Promise<Seen[]> {
    const query = Object.entries(filters)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
      .join("&");
    return ((await this.call("GET", query ? `/requests?${query}` : "/requests")) as { requests: Seen[] }).requests;
  }

  /** Which outcomes of the contract this sandbox has met. */
  async coverage(): Promise<Coverage> {
    return (await this.call("GET", "/coverage")) as Coverage;
  }

  private async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const url = `${this.url}/__admin${path}`;
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = body === undefined ? this.headers : { ...this.headers, "Content-Type": "application/json" };
    let response: { status: number; text(): Promise<string> };
    try {
      response = await fetch(url, { method, headers, ...sent });
    } catch (error) {
      throw new MockError(`${method} ${url}: ${String(error)}; is the mock up?`);
    }
    const text = await response.text();
    let answer: { title?: string; detail?: string; text?: string };
    try {
      answer = JSON.parse(text);
    } catch {
      throw new MockError(`${method} ${url}: ${response.status}, and no JSON: ${text.slice(0, 200)}`, response.status);
    }
    if (response.status >= 400) {
      throw new MockError(answer.text ?? `${answer.title}: ${answer.detail}`, response.status, answer);
    }
    return answer;
  }
}
