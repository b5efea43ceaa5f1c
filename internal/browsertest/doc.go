// SPDX-License-Identifier: Apache-2.0

// Package browsertest shows pages to a headless Chromium, with no network, and says what
// went wrong on them: errors of their scripts, what their own policy forbids, and every
// request for something that is no file. Tests and internal/pageshot use it.
package browsertest
