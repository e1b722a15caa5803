/** A client that does not keep to HTTP/1.1, or to our limits: `status` and the message are its answer, then the connection ends. */
export class Malformed extends Error {
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}
