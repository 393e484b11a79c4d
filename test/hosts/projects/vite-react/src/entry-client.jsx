import { createRoot, hydrateRoot } from 'react-dom/client';
import { App } from './App.jsx';

const root = document.querySelector('#root');
const onRecoverableError = (error) => console.error(error);
if (root.firstElementChild) hydrateRoot(root, <App />, { onRecoverableError });
else createRoot(root).render(<App />);
