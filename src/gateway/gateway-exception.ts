/** The gateway can't be started with these options, this cluster or these packages. */
export class GatewayException extends Error {
  /** The class name as a literal, so that it survives minification. */
  override readonly name = 'GatewayException';
  /** The remedy. */
  readonly advice: string;
  /** Whether the same options may succeed later: the cluster is away. */
  readonly isTemporary: boolean;

  /** @internal */
  constructor(
    message: string,
    advice: string,
    { isTemporary = false, ...options }: ErrorOptions & { readonly isTemporary?: boolean } = {},
  ) {
    super(message, options);
    this.advice = advice;
    this.isTemporary = isTemporary;
  }
}
