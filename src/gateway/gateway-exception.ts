/** The gateway can't be started with these options, this cluster or these packages. */
export class GatewayException extends Error {
  /** The class name as a literal, so that it survives minification. */
  override readonly name = 'GatewayException';
  /** What to do about it. */
  readonly advice: string;

  /** @internal */
  constructor(message: string, advice: string, options?: ErrorOptions) {
    super(message, options);
    this.advice = advice;
  }
}
