// How pages look before anything has happened: an installation without an event.
// It is run by itself, against a service of its own.
import {looks} from './looks.js';

const pages = {dashboard: '/', contents: '/contents', users: '/users', history: '/history', refused: '/refused', audit: '/audit', health: '/health', keys: '/keys'};

looks(Object.fromEntries(Object.entries(pages).map(([name, path]) => [`empty-${name}`, {role: 'admin', path}])));
looks({'empty-dashboard-viewer-french': {role: 'viewer', path: '/?months=24', locale: 'fr-FR'}});
