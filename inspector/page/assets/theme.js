// SPDX-License-Identifier: Apache-2.0
// Runs in the head, so that a page that is to be dark is never painted light.
(() => {
  'use strict';
  const prefers = matchMedia('(prefers-color-scheme: dark)');
  const follow = () => {
    const root = document.documentElement;
    if (root.dataset.chosen) return;
    root.dataset.theme = prefers.matches ? 'dark' : 'light';
    document.dispatchEvent(new Event('themechange'));
  };
  prefers.addEventListener('change', follow);
  follow();
})();
