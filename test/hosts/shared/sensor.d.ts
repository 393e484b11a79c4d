export const options: { deviceId: string; apiKey: string; baseUrl: string };
export const temperature: number;
