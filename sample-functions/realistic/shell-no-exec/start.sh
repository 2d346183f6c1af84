#!/bin/sh
python3 /app/app.py
echo "ended with $?"
