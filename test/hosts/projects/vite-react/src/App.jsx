import { StrictMode } from 'react';
import { Device } from './Device.jsx';
import { options, temperature } from './shared/sensor.js';

export function App() {
  return (
    <StrictMode>
      <Device options={options} temperature={temperature} />
    </StrictMode>
  );
}
