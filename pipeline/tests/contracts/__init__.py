"""The contract of every role's port, kept by every engine that fills it.

``test_<role>.py`` is the contract, ``<role>s.py`` the subjects: engines, scripted, offline
and on emulated vendors, each with what it can be asked. With ``CONTRACT_REAL_VENDORS=1``
those of the real vendors whose keys are in the environment are subjects too:

    CONTRACT_REAL_VENDORS=1 GOOGLE_CLOUD_CREDENTIALS_PATH=… ELEVENLABS_API_KEY=… \\
        make test ARGS=pipeline/tests/contracts

They cost some cents, and are not collected otherwise, so that nothing is ever skipped.
"""
