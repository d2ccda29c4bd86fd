from phasescope.cli import main

raise SystemExit(main())
