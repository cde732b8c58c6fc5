import { render } from 'preact';
import { App } from './app';
import './style/base.css';
import './style/shell.css';
import './style/nodes.css';
import './style/stage.css';
import './style/catalogue.css';
import './style/review.css';
import { applyTheme } from './ui/theme';

applyTheme();
render(<App />, document.getElementById('app')!);
