/* Proctor's version: one for all programs. */
#ifndef PROCTOR_BASE_VERSION_H
#define PROCTOR_BASE_VERSION_H

#ifndef PROCTOR_VERSION
#define PROCTOR_VERSION "0.1.0"
#endif

#endif
