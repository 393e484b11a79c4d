import './globals.js';
import { runApp } from './app.js';

runApp().then(globalThis.showLine, (error) => console.error(error.stack ?? error));
