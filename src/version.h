/**
 * @file version.h
 * The version of the module and of its tool; written here and nowhere else.
 */
#ifndef AUTH0_VERSION_H
#define AUTH0_VERSION_H

#define AUTH0_JWT_VERSION "1.0.0"

#endif
