// <hi-app>: who is signed in sees the shell, everybody else the sign-in. Starts what works unseen.

import { Element_, define, h, when } from "core/dom.js";
import { client } from "views/client.js";
import { start as startNotifier } from "views/notifier.js";
import { start as startShortcuts } from "views/shortcuts.js";
import { start as startSwitcher } from "views/switcher.js";
import { start as startTitle } from "views/title.js";
import "views/shell.js";
import "views/sign-in.js";

class App extends Element_ {
  connectedCallback() {
    super.connectedCallback();
    for (const start of [startNotifier, startTitle, startSwitcher, startShortcuts]) start();
  }

  render() {
    // What is done before the device's own store is read would be overwritten by it, and kept nowhere.
    const shell = () => when(client.painted, () => h("hi-shell"));
    return when(() => client.session.user.value !== null, shell, () => h("hi-sign-in"));
  }
}

define("hi-app", App);
