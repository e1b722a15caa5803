/** The body of every reply with a status of 400 or more. */
export interface ErrorResponse {
  message: string;
}

/** How an error is reported inside a JSON stream whose status has been sent already. */
export interface StreamError {
  errorDetail: { message: string; code?: number };
  error: string;
}
