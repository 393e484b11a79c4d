/// <reference types="vite/client" />

interface ImportMetaEnv {
  readonly VITE_DEVICE_ID: string;
  readonly VITE_API_KEY: string;
  readonly VITE_BASE_URL?: string;
  readonly VITE_FIELD_WATER?: string;
  readonly VITE_FIELD_POWER?: string;
}
