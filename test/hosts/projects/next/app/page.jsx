import { Device } from './Device.jsx';

export default function Page() {
  return <Device />;
}
