import { render } from 'solid-js/web';
import { Device } from './Device.jsx';
import { options, temperature } from './shared/sensor.js';

render(() => <Device options={options} temperature={temperature} />, document.querySelector('#root'));
