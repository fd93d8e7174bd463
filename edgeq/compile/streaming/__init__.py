"""Row-streamed groups: layers that run stripe by stripe, so that what lies between stays small."""
